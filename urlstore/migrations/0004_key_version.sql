-- Which version the URL keys of this store have, and how far a conversion to a later one has come (the last row's key).
-- Stores from before this table have keys of version 1; a new one gets its version when it is opened.
CREATE TABLE IF NOT EXISTS url_key_version (
    place   INTEGER NOT NULL PRIMARY KEY CHECK (place = 0),
    version INTEGER NOT NULL,
    after   BLOB    NOT NULL
);

INSERT OR IGNORE INTO url_key_version SELECT 0, 1, x''
WHERE EXISTS (SELECT 1 FROM url_row) OR EXISTS (SELECT 1 FROM attribute) OR EXISTS (SELECT 1 FROM inlink);
