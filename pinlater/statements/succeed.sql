UPDATE job
SET
    state = 2,
    due_ms = :now_ms,
    updated_ms = :now_ms,
    custom_status = substr(custom_status || :status, 1, :status_characters)
WHERE id = :id AND queue_id = :queue_id AND state = 1 AND (:claim IS NULL OR claim = :claim)
