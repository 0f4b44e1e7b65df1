-- One row a URL. Every cell keeps its write time (ms since 1970): the later write stays.
-- Write time -1 and an empty value = never written.
CREATE TABLE url_row (
    key              BLOB    NOT NULL PRIMARY KEY,
    url              TEXT    NOT NULL,
    url_write_ms     INTEGER NOT NULL,
    page             BLOB    NOT NULL,
    page_write_ms    INTEGER NOT NULL,
    redirects_to     TEXT    NOT NULL,
    alias_write_ms   INTEGER NOT NULL,
    outcome          BLOB    NOT NULL,
    outcome_write_ms INTEGER NOT NULL,
    CHECK (length(key) = 16)
);

-- Attributes of a URL: each a packed cell, by namespace and name.
CREATE TABLE attribute (
    key                 BLOB    NOT NULL,
    attribute_namespace TEXT    NOT NULL,
    name                TEXT    NOT NULL,
    write_ms            INTEGER NOT NULL,
    cell                BLOB    NOT NULL,
    PRIMARY KEY (key, attribute_namespace, name)
) WITHOUT ROWID;
