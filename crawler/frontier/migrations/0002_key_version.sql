-- Which version the URL keys of this frontier have. Frontiers from before this table have keys of version 1; a new one
-- gets its version when it is opened.
CREATE TABLE IF NOT EXISTS frontier_key_version (
    place   INTEGER NOT NULL PRIMARY KEY CHECK (place = 0),
    version INTEGER NOT NULL
);

INSERT OR IGNORE INTO frontier_key_version SELECT 0, 1 WHERE EXISTS (SELECT 1 FROM frontier_crawl);
