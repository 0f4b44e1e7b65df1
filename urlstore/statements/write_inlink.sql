-- The later write stays; of one stamp a removal, otherwise the greater cell.
INSERT INTO inlink (target_key, kind, source_key, write_us, cell)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (target_key, kind, source_key) DO UPDATE SET write_us = excluded.write_us, cell = excluded.cell
WHERE (excluded.write_us, excluded.cell = x'', excluded.cell) > (inlink.write_us, inlink.cell = x'', inlink.cell)
