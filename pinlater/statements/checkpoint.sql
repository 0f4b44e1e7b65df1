UPDATE job
SET
    state = iif(:to_pending, 0, 1),
    due_ms = iif(:to_pending, :run_after_ms, max(:run_after_ms, :now_ms)),
    run_after_ms = :run_after_ms,
    updated_ms = :now_ms,
    attempts_allowed = coalesce(:attempts, attempts_allowed),
    attempts_remaining = coalesce(:attempts, attempts_remaining),
    claim = iif(:to_pending, NULL, claim),
    source = iif(:to_pending, NULL, source),
    custom_status = substr(:status || custom_status, 1, :status_characters),
    body = coalesce(:body, body)
WHERE
    id = :id AND queue_id = :queue_id AND state = 1
    AND iif(:claim IS NULL, source = :source, claim = :claim)
