-- A dropped queue's number is never given again; its jobs are removed later, in pieces.
CREATE TABLE queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
);

CREATE TABLE dropped_queue (
    id INTEGER PRIMARY KEY
);

-- state: 0 pending, 1 in progress, 2 succeeded, 3 failed. due_ms: see pinlater/backends/__init__.py.
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    run_after_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    attempts_allowed INTEGER NOT NULL,
    attempts_remaining INTEGER NOT NULL,
    claim TEXT,
    source TEXT,
    custom_status TEXT NOT NULL,
    body BLOB NOT NULL
);

-- Ends in the row's id by itself, so that jobs due at the same time keep their order.
CREATE INDEX job_by_due ON job (queue_id, state, priority, due_ms);
