"""Conversion of rows to a `Book` and back: within one transaction, only the rows that the call touches."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from crawler.frontier.book import Book, CrawlNumbers
from crawler.frontier.crawls import CrawlState
from crawler.frontier.entry import pack, unpack
from crawler.frontier.records import check_keys, pack_failure
from drivers.sqlite import Database
from runtime.clock import wall_ms

R = TypeVar("R")

NUMBERS = "state, seeded, limited, max_pages, pages, ended_ms, waiting, claimed, page, alias, refused, failed, skipped"
_READ = f"SELECT number, {NUMBERS} FROM frontier_crawl WHERE id = ?"  # noqa: S608 - columns of ours
_WRITE = (
    "UPDATE frontier_crawl SET state = ?, seeded = ?, pages = ?, ended_ms = ?, waiting = ?, claimed = ?, page = ?,"
    " alias = ?, refused = ?, failed = ?, skipped = ? WHERE number = ?"
)
_INLINE_KEYS = 128
_ENTRIES = "SELECT key, entry FROM frontier_entry WHERE crawl = ? AND key IN"
_PUT_ENTRY = "REPLACE INTO frontier_entry VALUES (?, ?, ?)"
_PUT_FAILURE = "REPLACE INTO frontier_failure VALUES (?, ?, ?)"
_DROP_FAILURE = "DELETE FROM frontier_failure WHERE crawl = ? AND key = ?"
_DROP_ENTRY = "DELETE FROM frontier_entry WHERE crawl = ? AND key = ?"
_MOVE_FAILURE = "UPDATE frontier_failure SET key = ? WHERE crawl = ? AND key = ?"
_COUNT_OUTCOME = (
    "INSERT INTO frontier_outcome VALUES (?, ?, ?)"
    " ON CONFLICT (crawl, code) DO UPDATE SET count = count + excluded.count"
)


def numbers_of(row: Sequence[object]) -> CrawlNumbers:
    """The numbers in a row of `NUMBERS`."""
    state, seeded, limited, max_pages, pages, ended_ms, *counts = row
    return CrawlNumbers(CrawlState(state), bool(seeded), bool(limited), max_pages, counts, pages, ended_ms)  # type: ignore[arg-type]  # SQLite's columns


async def run(
    database: Database, crawl_id: str, keys: Iterable[bytes], rule: Callable[[Book], R], otherwise: R, *, reads: bool
) -> R:
    """Apply `rule` to the book of `keys`, in one transaction; `otherwise` if the crawl is unknown.

    With `reads`, the rule often changes nothing: it is then tried on point reads, and if it would have
    changed anything, once more in a transaction. Its reads see the crawl a moment earlier than its entries: that
    is the answer of a call made at that moment.
    """
    keys = tuple(keys)
    check_keys(keys)
    now_ms = wall_ms()
    if reads:
        result, moved = await _read(database, len(keys), lambda db: _tried(db, crawl_id, keys, rule, otherwise, now_ms))
        if not moved:
            return result
    return await database.write(lambda db: _applied(db, crawl_id, keys, rule, otherwise, now_ms))


async def _read(database: Database, keys: int, work: Callable[[sqlite3.Connection], R]) -> R:
    """In this thread while that takes less than the way to another."""
    return database.read_inline(work) if keys <= _INLINE_KEYS else await database.read(work)


def _tried(
    db: sqlite3.Connection, crawl_id: str, keys: Sequence[bytes], rule: Callable[[Book], R], otherwise: R, now_ms: int
) -> tuple[R, bool]:
    found = _load(db, crawl_id, keys, now_ms)
    if found is None:
        return otherwise, False
    _, book = found
    return rule(book), bool(book.changed or book.removed)


def _applied(
    db: sqlite3.Connection, crawl_id: str, keys: Sequence[bytes], rule: Callable[[Book], R], otherwise: R, now_ms: int
) -> R:
    found = _load(db, crawl_id, keys, now_ms)
    if found is None:
        return otherwise
    number, book = found
    result = rule(book)
    _store(db, number, book)
    return result


def _load(db: sqlite3.Connection, crawl_id: str, keys: Sequence[bytes], now_ms: int) -> tuple[int, Book] | None:
    row = db.execute(_READ, (crawl_id,)).fetchone()
    if row is None:
        return None
    number, *current = row
    # One statement for all: each step of one releases the interpreter's lock, and others wait for it.
    marks = ",".join("?" * len(keys))
    found = db.execute(f"{_ENTRIES} ({marks})", (number, *keys)).fetchall()
    return number, Book(numbers_of(current), {key: unpack(entry) for key, entry in found}, now_ms)


def _store(db: sqlite3.Connection, number: int, book: Book) -> None:
    current = book.numbers
    numbers = (current.state, current.seeded, current.pages, current.ended_ms, *current.counts, number)
    db.execute(_WRITE, numbers)
    for old, new in book.removed.items():
        db.execute(_DROP_ENTRY, (number, old))
        if new is None:
            db.execute(_DROP_FAILURE, (number, old))
        else:
            db.execute(_MOVE_FAILURE, (new, number, old))
    db.executemany(_PUT_ENTRY, ((number, key, pack(entry)) for key, entry in book.changed.items()))
    for key, ending in book.failures.items():
        if ending is None:
            db.execute(_DROP_FAILURE, (number, key))
        else:
            db.execute(_PUT_FAILURE, (number, key, pack_failure(ending)))
    db.executemany(_COUNT_OUTCOME, ((number, code, count) for code, count in book.outcomes.items()))
