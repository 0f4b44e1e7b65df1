-- The later write stays; in the same millisecond the greater cell.
INSERT INTO attribute (key, attribute_namespace, name, write_ms, cell)
VALUES (:key, :attribute_namespace, :name, :write_ms, :cell)
ON CONFLICT (key, attribute_namespace, name) DO UPDATE SET write_ms = excluded.write_ms, cell = excluded.cell
WHERE (excluded.write_ms, excluded.cell) > (attribute.write_ms, attribute.cell)
