UPDATE job
SET
    state = 0,
    due_ms = :run_after_ms,
    run_after_ms = :run_after_ms,
    updated_ms = :now_ms,
    attempts_allowed = :attempts,
    attempts_remaining = :attempts,
    claim = NULL,
    source = NULL
WHERE id = :id AND queue_id = :queue_id AND state = 3
