-- One row a crawl: what it was asked to do, and its numbers. A number is never used again.
CREATE TABLE frontier_crawl (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    description BLOB    NOT NULL,
    hosts       BLOB    NOT NULL,
    state       TEXT    NOT NULL,
    seeded      INTEGER NOT NULL DEFAULT 0,
    limited     INTEGER NOT NULL,
    max_pages   INTEGER,
    waiting     INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    claimed     INTEGER NOT NULL DEFAULT 0 CHECK (claimed >= 0),
    page        INTEGER NOT NULL DEFAULT 0,
    alias       INTEGER NOT NULL DEFAULT 0,
    refused     INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    skipped     INTEGER NOT NULL DEFAULT 0,
    pages       INTEGER NOT NULL DEFAULT 0,
    ended_ms    INTEGER NOT NULL DEFAULT 0
);

-- (crawl, URL key) -> state, depth, owner in eleven bytes: frontier/entry.py.
CREATE TABLE frontier_entry (
    crawl INTEGER NOT NULL,
    key   BLOB    NOT NULL,
    entry BLOB    NOT NULL,
    PRIMARY KEY (crawl, key)
) WITHOUT ROWID;

-- The failed URLs of a crawl, each as JSON.
CREATE TABLE frontier_failure (
    crawl   INTEGER NOT NULL,
    key     BLOB    NOT NULL,
    failure BLOB    NOT NULL,
    PRIMARY KEY (crawl, key)
) WITHOUT ROWID;

-- How many visits of a crawl ended with each outcome code.
CREATE TABLE frontier_outcome (
    crawl INTEGER NOT NULL,
    code  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (crawl, code)
) WITHOUT ROWID;
