-- Which targets have the row's inlinks; written at its own time (µs since 1970).
ALTER TABLE url_row ADD COLUMN linked BLOB NOT NULL DEFAULT x'';
ALTER TABLE url_row ADD COLUMN linked_us INTEGER NOT NULL DEFAULT -1;

-- Who points at a URL: kind 0 = a link, 1 = a redirect. An empty cell is a removed one: it stays for some days, so that
-- an older write that comes late loses against it.
CREATE TABLE inlink (
    target_key BLOB    NOT NULL,
    kind       INTEGER NOT NULL,
    source_key BLOB    NOT NULL,
    write_us   INTEGER NOT NULL,
    cell       BLOB    NOT NULL,
    PRIMARY KEY (target_key, kind, source_key)
) WITHOUT ROWID;

CREATE INDEX inlink_removed ON inlink (write_us) WHERE cell = x'';
