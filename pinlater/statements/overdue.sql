SELECT id
FROM job
WHERE queue_id = :queue_id AND state = :state AND priority = :priority AND due_ms < :before_ms
ORDER BY due_ms, id
LIMIT :limit
