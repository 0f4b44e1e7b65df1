-- The later write stays; of one stamp the greater cell.
UPDATE url_row SET linked = :cell, linked_us = :stamp_us
WHERE key = :key AND (:stamp_us, :cell) > (linked_us, linked)
