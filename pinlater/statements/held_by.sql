SELECT id
FROM job
WHERE queue_id = :queue_id AND state = 1 AND substr(source, 1, length(:source_prefix)) = :source_prefix
