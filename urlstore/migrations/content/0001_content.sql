-- Objects by content key, URL key (16 bytes) and content hash (32 bytes) in one; a plain zstd frame each.
CREATE TABLE content (
    key  BLOB NOT NULL PRIMARY KEY,
    blob BLOB NOT NULL,
    CHECK (length(key) = 48)
);
