SELECT id, priority, body, attempts_allowed, attempts_remaining, run_after_ms
FROM job
WHERE queue_id = :queue_id AND state = 0 AND priority = :priority AND due_ms <= :now_ms
ORDER BY due_ms, id
LIMIT :limit
