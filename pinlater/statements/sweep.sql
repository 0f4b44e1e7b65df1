DELETE FROM job
WHERE id IN (SELECT id FROM job WHERE queue_id = :queue_id LIMIT :limit)
