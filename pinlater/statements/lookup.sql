SELECT
    id, due_ms, state, priority, run_after_ms, created_ms, updated_ms,
    attempts_allowed, attempts_remaining, claim, custom_status, iif(:include_body, body, NULL) AS body
FROM job
WHERE id = :id AND queue_id = :queue_id
