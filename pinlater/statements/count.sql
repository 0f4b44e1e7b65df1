SELECT count(*)
FROM job
WHERE
    queue_id = :queue_id AND state = :state AND priority = :priority
    AND due_ms > :after_ms AND (due_ms, id) < (:before_ms, :before_id)
