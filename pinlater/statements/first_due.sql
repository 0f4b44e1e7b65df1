SELECT min(due_ms) FROM job WHERE queue_id = :queue_id AND state = 0 AND priority = :priority
