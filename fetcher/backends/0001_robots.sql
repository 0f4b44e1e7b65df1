-- One row an origin: the copy as fetcher.robots.cache packs it, kept until expires_ms (wall clock, ms since 1970).
CREATE TABLE robots (
    origin TEXT PRIMARY KEY,
    copy BLOB NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX robots_by_expiry ON robots (expires_ms);
