ALTER TABLE queue ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;

-- The PinLater servers of this file, and when each was last here.
CREATE TABLE server (
    owner TEXT PRIMARY KEY,
    seen_ms INTEGER NOT NULL
);
