"""The queues themselves in SQLite, and the servers that share the file: statements on one connection."""

from __future__ import annotations

import sqlite3

from pinlater.backends import NO_CAP, SERVER_GONE_MS, Outlook
from pinlater.backends.sqlite_rows import queue_number
from pinlater.errors import queue_not_found, queue_paused

Db = sqlite3.Connection


def create(db: Db, queue: str, now_ms: int) -> None:
    """One insert, if it isn't there."""
    db.execute("INSERT INTO queue (name, created_ms) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (queue, now_ms))


def drop(db: Db, queue: str) -> None:
    """Drop the name; `sweep` removes the jobs."""
    db.execute("INSERT INTO dropped_queue SELECT id FROM queue WHERE name = ?", (queue,))
    db.execute("DELETE FROM queue WHERE name = ?", (queue,))


def names(db: Db) -> frozenset[str]:
    """All of them."""
    return frozenset(name for (name,) in db.execute("SELECT name FROM queue"))


def pause(db: Db, queue: str, paused: bool) -> None:
    """A column of its row. Raises QUEUE_NOT_FOUND."""
    if not db.execute("UPDATE queue SET paused = ? WHERE name = ?", (paused, queue)).rowcount:
        raise queue_not_found(queue)


def any_dropped(db: Db) -> bool:
    """True if jobs of a dropped queue may be left."""
    return db.execute("SELECT 1 FROM dropped_queue LIMIT 1").fetchone() is not None


def sweep(db: Db, sql: str, limit: int) -> int:
    """Some jobs of one dropped queue, which is forgotten once it has none; `sql` is the statement."""
    (number,) = db.execute("SELECT id FROM dropped_queue LIMIT 1").fetchone() or (None,)
    removed = db.execute(sql, {"queue_id": number, "limit": limit}).rowcount
    if removed < limit:
        db.execute("DELETE FROM dropped_queue WHERE id = ?", (number,))
    return removed


def unpaused(db: Db, queue: str) -> bool:
    """True. Raises QUEUE_NOT_FOUND, DEQUEUE_RATE_LIMITED."""
    row = db.execute("SELECT paused FROM queue WHERE name = ?", (queue,)).fetchone()
    if row is None:
        raise queue_not_found(queue)
    if row[0]:
        raise queue_paused(queue)
    return True


def left(db: Db, queue: str, most_claimed: int) -> int:
    """The number of jobs that may still be claimed; without a cap nothing is counted."""
    if most_claimed == NO_CAP:
        return NO_CAP
    sql = "SELECT count(*) FROM (SELECT 1 FROM job WHERE queue_id = ? AND state = 1 LIMIT ?)"
    most = max(most_claimed, 0)
    return most - int(db.execute(sql, (queue_number(db, queue), most)).fetchone()[0])


def outlook(db: Db, queue: str, first_due: str, priorities: range) -> Outlook:
    """The ends of an index; `first_due` is the statement."""
    number = queue_number(db, queue)
    (paused,) = db.execute("SELECT paused FROM queue WHERE id = ?", (number,)).fetchone() or (0,)
    wanted = ({"queue_id": number, "priority": priority} for priority in priorities)
    firsts = (db.execute(first_due, each).fetchone()[0] for each in wanted)
    return Outlook(bool(paused), min((due for due in firsts if due is not None), default=None))


def live_servers(db: Db, owner: str, now_ms: int) -> int:
    """Note this server, forget the dead ones."""
    db.execute("REPLACE INTO server VALUES (?, ?)", (owner, now_ms))
    db.execute("DELETE FROM server WHERE seen_ms <= ?", (now_ms - SERVER_GONE_MS,))
    return int(db.execute("SELECT count(*) FROM server").fetchone()[0])


class Versions:
    """Detects writes to the file since the last check. A version is comparable on its own connection only."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def changed(self, db: Db) -> bool:
        """True also on a connection's first check."""
        (version,) = db.execute("PRAGMA data_version").fetchone()
        before = self._seen.get(id(db))
        self._seen[id(db)] = version
        return bool(before != version)
