DELETE FROM job WHERE id = :id AND queue_id = :queue_id AND state = :state
