-- When to look at the row's page again (ms since 1970), never later than it is due; 0 = not at all. Written with the
-- page. Rows of earlier versions: at once, and they are given their time.
ALTER TABLE url_row ADD COLUMN due_ms INTEGER NOT NULL DEFAULT 1;

CREATE INDEX url_row_due ON url_row (due_ms, key) WHERE due_ms > 0;
