SELECT
    id, due_ms, state, priority, run_after_ms, created_ms, updated_ms,
    attempts_allowed, attempts_remaining, claim, custom_status, body
FROM job
WHERE
    queue_id = :queue_id AND state = :state AND priority = :priority
    AND due_ms > :after_ms AND (due_ms, id) < (:before_ms, :before_id)
ORDER BY due_ms DESC, id DESC
LIMIT :limit
