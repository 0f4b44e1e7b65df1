"""Jobs in one SQLite file, which may be shared with other components and by several processes.

Every write is part of the writer thread's transaction: acknowledged once committed, so that it survives kill -9 of
any process, and with `durability = "full"` power loss too.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from itertools import chain, islice
from typing import Any, Self, TypeVar

from drivers.migrations import load
from drivers.sqlite import Database, Durability, open_database
from pinlater.backends import (
    NO_CAP,
    STATUS_CHARACTERS,
    Acked,
    AckOf,
    CheckpointOf,
    DequeuedJob,
    LostClaims,
    Outlook,
    ScannedJob,
    Span,
)
from pinlater.backends import sqlite_queues as queues
from pinlater.backends import sqlite_rows as rows
from pinlater.backends.sqlite_rows import Parameters, find_queue, queue_number
from pinlater.descriptors import Claim, JobDescriptor
from pinlater.statements import statement
from thrift_idl.gen.pinlater.ttypes import PinLaterJob, PinLaterJobInfo, PinLaterJobState

T = TypeVar("T")
Db = sqlite3.Connection
Find = Callable[[Db, int], list[int]]
"""Finds local ids, given the queue's number."""

#: Dequeues wait for each other: 160 rounds, to get past 10,000 jobs of one busy domain, took 3 s longer with 50 ms.
_LONGEST_REST_MS = 5.0
_NAMES = (
    "enqueue", "ready", "claim", "succeed", "spend_attempt", "checkpoint", "overdue", "held_by", "scan", "count",
    "lookup", "retry", "delete", "sweep", "first_due",
)  # fmt: skip
_LOOK_S = 0.1
"""The interval of checks for other processes' writes while a caller waits: some 10 µs each time."""


class SqliteBackend:
    """`Backend` over SQLite. Dequeuing costs the same with a thousand jobs and with a million."""

    def __init__(self, database: Database, *, shard: str = "1", priorities: int = 3) -> None:
        self.shard = shard
        self._database = database
        self._priorities = range(1, priorities + 1)
        self._sql = {name: statement(name) for name in _NAMES}

    @classmethod
    async def open(cls, url: str, *, shard: str = "1", priorities: int = 3, durability: Durability = "normal") -> Self:
        """The jobs in the file that `url` (`sqlite:///full/path`) names, created or migrated if needed.

        Raises `BadConfiguration`, `StoreTooNew`, `StoreUnreadable`, `DiskFull`, `BackendDown`.
        """
        database = await open_database(url, durability=durability, longest_rest_ms=_LONGEST_REST_MS)
        try:
            await database.migrate(load("pinlater", "pinlater.migrations", "sql"))
        except BaseException:
            await database.close()
            raise
        return cls(database, shard=shard, priorities=priorities)

    async def close(self) -> None:
        """Commit waiting writes, close the file."""
        await self._database.close()

    # --- queues ---

    async def create_queue(self, queue: str, now_ms: int) -> None:
        """A row, if it isn't there."""
        await self._database.write(lambda db: queues.create(db, queue, now_ms))

    async def delete_queue(self, queue: str) -> None:
        """The name goes at once, the jobs by `sweep`."""
        await self._database.write(lambda db: queues.drop(db, queue))

    async def queue_names(self) -> frozenset[str]:
        """All of them."""
        return await self._database.read(queues.names)

    async def pause(self, queue: str, paused: bool) -> None:
        """A column of its row."""
        await self._database.write(lambda db: queues.pause(db, queue, paused))

    async def outlook(self, queue: str) -> Outlook:
        """The ends of an index."""
        first_due = self._sql["first_due"]
        return self._database.read_inline(lambda db: queues.outlook(db, queue, first_due, self._priorities))

    async def arrivals(self) -> AsyncIterator[str]:
        """Any write by another process may have brought a job."""
        versions = queues.Versions()
        yield ""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._database.read_inline(versions.changed):
                yield ""

    async def clock_ms(self) -> None:
        """None: the servers that share the file share a clock."""

    async def live_servers(self, owner: str, now_ms: int) -> int:
        """By the one clock of the servers that share the file."""
        return await self._database.write(lambda db: queues.live_servers(db, owner, now_ms))

    # --- jobs ---

    async def enqueue(self, queue: str, jobs: Sequence[PinLaterJob], now_ms: int) -> tuple[str, ...]:
        """All of them in one transaction."""
        new = [rows.new_job(job, now_ms) for job in jobs]
        last = await self._in_queue(queue, lambda db, number: self._insert(db, number, new))
        named = enumerate(jobs, last - len(jobs) + 1)
        return tuple(str(JobDescriptor(queue, self.shard, job.priority, local_id)) for local_id, job in named)

    async def dequeue(
        self,
        queue: str,
        claim: Claim,
        priorities: Sequence[int],
        limit: int,
        now_ms: int,
        most_claimed: int = NO_CAP,
    ) -> list[DequeuedJob]:
        """A read first: if nothing is ready, nothing is written and no other writer is waited for."""
        if not self._database.read_inline(
            lambda db: queues.unpaused(db, queue) and self._ready(db, queue, priorities, 1, now_ms)
        ):
            return []
        claimed = {"claim": claim.descriptor, "source": claim.source, "now_ms": now_ms}

        def take(db: Db) -> list[sqlite3.Row]:
            left = min(limit, queues.left(db, queue, most_claimed))
            ready = self._ready(db, queue, priorities, left, now_ms) if queues.unpaused(db, queue) else []
            db.executemany(self._sql["claim"], [claimed | {"id": row["id"]} for row in ready])
            return ready

        taken = await self._database.write(take)
        return [rows.dequeued(row, queue, self.shard, claim.descriptor) for row in taken]

    async def peek(self, queue: str, priorities: Sequence[int], limit: int, now_ms: int) -> list[DequeuedJob]:
        """A read."""
        ready = await self._database.read(lambda db: self._ready(db, queue, priorities, limit, now_ms))
        return [rows.dequeued(row, queue, self.shard, None) for row in ready]

    async def ack(self, queue: str, succeeded: Sequence[AckOf], failed: Sequence[AckOf], now_ms: int) -> Acked:
        """All acks in one transaction."""
        done = [rows.ack(each, now_ms) for each in succeeded]
        spent = [rows.ack(each, now_ms) for each in failed]
        return await self._in_queue(
            queue,
            lambda db, number: Acked(
                self._each(db, number, "succeed", done), self._each(db, number, "spend_attempt", spent)
            ),
        )

    async def checkpoint(self, queue: str, source: str, requests: Sequence[CheckpointOf], now_ms: int) -> int:
        """All of them in one transaction."""
        changes = [rows.checkpoint(each, source, now_ms) for each in requests]
        return await self._in_queue(queue, lambda db, number: self._each(db, number, "checkpoint", changes))

    async def lookup(self, queue: str, local_ids: Sequence[int], include_body: bool) -> Mapping[int, PinLaterJobInfo]:
        """Point reads."""

        def look(db: Db) -> list[sqlite3.Row]:
            wanted = {"queue_id": find_queue(db, queue), "include_body": include_body}
            found = (self._rows(db, "lookup", wanted | {"id": local_id}) for local_id in local_ids)
            return list(chain.from_iterable(found))

        found = await self._database.read(look)
        return {row["id"]: rows.info(row, queue, self.shard, with_body=include_body) for row in found}

    # --- many jobs of one state ---

    async def count(self, queue: str, span: Span) -> int:
        """Counted in the index, in a thread."""

        def count(db: Db) -> int:
            found = chain.from_iterable(self._by_priority(db, "count", queue, rows.span(span), span.priorities))
            return sum(row[0] for row in found)

        return await self._database.read(count)

    async def scan(self, queue: str, span: Span, limit: int) -> list[ScannedJob]:
        """Each priority's last jobs, merged as they are read."""
        wanted = rows.span(span) | {"limit": limit}

        def look(db: Db) -> list[sqlite3.Row]:
            each = self._by_priority(db, "scan", queue, wanted, span.priorities)
            merged = merge(*each, key=lambda row: (row["due_ms"], row["id"]), reverse=True)
            return list(rows.fitting(islice(merged, limit)))

        return [rows.scanned(row, queue, self.shard) for row in await self._database.read(look)]

    async def retry(self, queue: str, local_ids: Sequence[int], attempts: int, run_after_ms: int, now_ms: int) -> int:
        """Guarded by the state FAILED."""
        change = {"attempts": attempts, "run_after_ms": run_after_ms, "now_ms": now_ms}
        changes = [change | {"id": local_id} for local_id in local_ids]
        return await self._in_queue(queue, lambda db, number: self._each(db, number, "retry", changes))

    async def delete(self, queue: str, local_ids: Sequence[int], state: int) -> int:
        """Guarded by the state."""
        return await self._in_queue(queue, lambda db, number: self._delete(db, number, local_ids, state))

    # --- for the monitor ---

    async def time_out(self, queue: str, before_ms: int, limit: int, now_ms: int) -> LostClaims:
        """A read first: nothing is written if no claim is overdue."""
        return await self._lose(queue, partial(self._overdue, PinLaterJobState.IN_PROGRESS, before_ms, limit), now_ms)

    async def release(self, queue: str, source_prefix: str, now_ms: int) -> LostClaims:
        """A look at every claim of the queue."""

        def held(db: Db, number: int) -> list[int]:
            wanted = {"queue_id": number, "source_prefix": source_prefix}
            return [row["id"] for row in self._rows(db, "held_by", wanted)]

        return await self._lose(queue, held, now_ms)

    async def collect(self, queue: str, state: int, before_ms: int, limit: int) -> int:
        """A read first, like `time_out`."""
        overdue = partial(self._overdue, state, before_ms, limit)
        if not await self._database.read(lambda db: overdue(db, queue_number(db, queue))):
            return 0
        return await self._in_queue(queue, lambda db, number: self._delete(db, number, overdue(db, number), state))

    async def sweep(self, limit: int) -> int:
        """Some jobs of one dropped queue, which is forgotten once it has none."""
        if not await self._database.read(queues.any_dropped):
            return 0
        return await self._database.write(lambda db: queues.sweep(db, self._sql["sweep"], limit))

    # --- parts ---

    async def _in_queue(self, queue: str, work: Callable[[Db, int], T]) -> T:
        return await self._database.write(lambda db: work(db, queue_number(db, queue)))

    async def _lose(self, queue: str, find: Find, now_ms: int) -> LostClaims:
        """Spend an attempt of the jobs found."""
        if not await self._database.read(lambda db: find(db, queue_number(db, queue))):
            return LostClaims(0, 0)

        def lose(db: Db, number: int) -> LostClaims:
            found = find(db, number)
            self._each(db, number, "spend_attempt", [rows.lost_claim(local_id, now_ms) for local_id in found])
            states = (db.execute("SELECT state FROM job WHERE id = ?", (each,)).fetchone()[0] for each in found)
            done = sum(state == PinLaterJobState.FAILED for state in states)
            return LostClaims(done, len(found) - done)

        return await self._in_queue(queue, lose)

    def _insert(self, db: Db, number: int, new: Sequence[Parameters]) -> int:
        """The last local id; the others are just before it, because no other process writes meanwhile."""
        self._each(db, number, "enqueue", new)
        return int(db.execute("SELECT last_insert_rowid()").fetchone()[0])

    def _delete(self, db: Db, number: int, local_ids: Sequence[int], state: int) -> int:
        return self._each(db, number, "delete", [{"id": local_id, "state": state} for local_id in local_ids])

    def _ready(self, db: Db, queue: str, priorities: Sequence[int], limit: int, now_ms: int) -> list[sqlite3.Row]:
        wanted = {"now_ms": now_ms, "limit": limit}
        found = chain.from_iterable(self._by_priority(db, "ready", queue, wanted, priorities))
        return list(rows.fitting(islice(found, limit)))

    def _overdue(self, state: int, before_ms: int, limit: int, db: Db, number: int) -> list[int]:
        wanted = {"queue_id": number, "state": state, "before_ms": before_ms, "limit": limit}
        found = (self._rows(db, "overdue", wanted | {"priority": priority}) for priority in self._priorities)
        return [row["id"] for row in islice(chain.from_iterable(found), limit)]

    def _by_priority(
        self, db: Db, name: str, queue: str, wanted: Parameters, priorities: Sequence[int]
    ) -> Iterator[Iterator[sqlite3.Row]]:
        in_queue = wanted | {"queue_id": queue_number(db, queue)}
        return (self._rows(db, name, in_queue | {"priority": priority}) for priority in priorities)

    def _rows(self, db: Db, name: str, wanted: dict[str, Any]) -> Iterator[sqlite3.Row]:
        """Rows read one by one: the body of a row that isn't wanted isn't read."""
        cursor = db.cursor()
        cursor.row_factory = sqlite3.Row
        try:
            yield from cursor.execute(self._sql[name], wanted)
        finally:
            cursor.close()

    def _each(self, db: Db, number: int, name: str, changes: Sequence[Parameters]) -> int:
        """The number of rows that the statement changed, run for each set of parameters."""
        fixed = {"queue_id": number, "status_characters": STATUS_CHARACTERS}
        return db.executemany(self._sql[name], [each | fixed for each in changes]).rowcount if changes else 0
