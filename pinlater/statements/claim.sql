UPDATE job
SET state = 1, due_ms = :now_ms, updated_ms = :now_ms, claim = :claim, source = :source
WHERE id = :id
