INSERT INTO job (
    queue_id, state, priority, due_ms, run_after_ms, created_ms, updated_ms,
    attempts_allowed, attempts_remaining, custom_status, body
)
VALUES (
    :queue_id, 0, :priority, :run_after_ms, :run_after_ms, :now_ms, :now_ms,
    :attempts, :attempts, :status, :body
)
