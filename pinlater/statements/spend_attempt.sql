-- A failed ack or a lost claim. Every right-hand side sees the row as it was.
UPDATE job
SET
    state = iif(attempts_remaining > 1, 0, 3),
    attempts_remaining = max(attempts_remaining - 1, 0),
    due_ms = iif(attempts_remaining > 1, :run_after_ms, :now_ms),
    run_after_ms = iif(attempts_remaining > 1, :run_after_ms, run_after_ms),
    updated_ms = :now_ms,
    claim = iif(attempts_remaining > 1, NULL, claim),
    source = iif(attempts_remaining > 1, NULL, source),
    custom_status = substr(custom_status || :status, 1, :status_characters)
WHERE id = :id AND queue_id = :queue_id AND state = 1 AND (:claim IS NULL OR claim = :claim)
