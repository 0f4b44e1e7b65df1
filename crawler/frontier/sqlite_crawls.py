"""The crawls of a frontier in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial

from crawler.frontier.book import Book
from crawler.frontier.crawls import Crawl, CrawlState, CrawlStatus, Failure
from crawler.frontier.records import (
    counters,
    found,
    pack_crawl,
    pack_hosts,
    slices,
    unpack_crawl,
    unpack_failure,
    unpack_hosts,
)
from crawler.frontier.sqlite_book import NUMBERS, numbers_of, run
from drivers.sqlite import Database
from thrift_idl.errors import InvalidRequest

_CREATE = (
    "INSERT INTO frontier_crawl (id, description, hosts, state, limited, max_pages) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO NOTHING"
)
_STATUS = f"SELECT number, description, {NUMBERS} FROM frontier_crawl"  # noqa: S608 - columns of ours
_FAILURES = "SELECT key, failure FROM frontier_failure WHERE crawl = ? AND key > ? ORDER BY key LIMIT ?"
_REMOVED_AT_ONCE = 5_000  # rows a transaction: other writers hardly wait


class SqliteCrawls:
    """`Crawls` over SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, crawl: Crawl, hosts: Sequence[str] = ()) -> bool:
        """One row, unless that id is there."""
        limited = crawl.max_depth is not None
        row = (crawl.id, pack_crawl(crawl), pack_hosts(hosts), CrawlState.RUNNING, limited, crawl.max_pages)
        return await self._database.write(lambda db: db.execute(_CREATE, row).rowcount == 1)

    async def seeded(self, crawl_id: str) -> CrawlState:
        """One update."""

        def rule(book: Book) -> CrawlState | None:
            book.seeded()
            return book.numbers.state

        return found(await run(self._database, crawl_id, (), rule, None, reads=False), crawl_id)

    async def status(self, crawl_id: str) -> CrawlStatus:
        """Point reads."""
        return found(self._database.read_inline(lambda db: _status_of(db, crawl_id)), crawl_id)

    async def hosts(self, crawl_id: str) -> frozenset[str]:
        """One read."""
        query = "SELECT hosts FROM frontier_crawl WHERE id = ?"
        row = await self._database.read(lambda db: db.execute(query, (crawl_id,)).fetchone())
        return unpack_hosts(found(row, crawl_id)[0])

    async def all(self) -> Sequence[CrawlStatus]:
        """One read."""
        return await self._database.read(
            lambda db: [_status(db, row) for row in db.execute(f"{_STATUS} ORDER BY number DESC").fetchall()]
        )

    async def turn(self, crawl_id: str, state: CrawlState) -> CrawlState:
        """One update."""

        def rule(book: Book) -> CrawlState | None:
            book.turn(state)
            return book.numbers.state

        return found(await run(self._database, crawl_id, (), rule, None, reads=False), crawl_id)

    async def failures(self, crawl_id: str, after: bytes = b"", limit: int = 1000) -> Sequence[Failure]:
        """One read."""
        number = found(self._database.read_inline(lambda db: _number(db, crawl_id)), crawl_id)
        rows = await self._database.read(lambda db: db.execute(_FAILURES, (number, after, limit)).fetchall())
        return [unpack_failure(key, failure) for key, failure in rows]

    async def reopen(self, crawl_id: str, keys: Sequence[bytes]) -> Mapping[bytes, int]:
        """One transaction a slice."""
        reopened: dict[bytes, int] = {}
        for part in slices(keys):
            done = await run(self._database, crawl_id, part, partial(Book.reopen, keys=part), None, reads=False)
            reopened |= found(done, crawl_id)
        return reopened

    async def forget(self, crawl_id: str) -> None:
        """Entries in parts, the crawl's own row last."""
        while await self._database.write(lambda db: _remove_some(db, crawl_id)):
            pass


def _number(db: sqlite3.Connection, crawl_id: str) -> int | None:
    row = db.execute("SELECT number FROM frontier_crawl WHERE id = ?", (crawl_id,)).fetchone()
    return int(row[0]) if row else None


def _status_of(db: sqlite3.Connection, crawl_id: str) -> CrawlStatus | None:
    row = db.execute(f"{_STATUS} WHERE id = ?", (crawl_id,)).fetchone()
    return _status(db, row) if row else None


def _status(db: sqlite3.Connection, row: Sequence[object]) -> CrawlStatus:
    number, description, *numbers = row
    current = numbers_of(numbers)
    outcomes = db.execute("SELECT code, count FROM frontier_outcome WHERE crawl = ? ORDER BY code", (number,))
    return CrawlStatus(
        crawl=unpack_crawl(description),  # type: ignore[arg-type]  # SQLite's column
        state=current.state,
        counters=counters(current.counts, current.pages),
        seeded=current.seeded,
        ended_ms=current.ended_ms,
        outcomes=dict(outcomes.fetchall()),
    )


def _remove_some(db: sqlite3.Connection, crawl_id: str) -> bool:
    """Remove some rows of an ended crawl; returns True if there are more."""
    row = db.execute("SELECT number, state FROM frontier_crawl WHERE id = ?", (crawl_id,)).fetchone()
    if row is None:
        return False
    number, state = row
    if not CrawlState(state).ended:
        raise InvalidRequest(f"the crawl is {state}: cancel it before it is forgotten")
    for table, column in (("frontier_entry", "key"), ("frontier_failure", "key"), ("frontier_outcome", "code")):
        some = f"SELECT {column} FROM {table} WHERE crawl = ? LIMIT {_REMOVED_AT_ONCE}"  # noqa: S608 - names above
        delete = f"DELETE FROM {table} WHERE crawl = ? AND {column} IN ({some})"  # noqa: S608 - names above
        if db.execute(delete, (number, number)).rowcount:
            return True
    db.execute("DELETE FROM frontier_crawl WHERE number = ?", (number,))
    return False
