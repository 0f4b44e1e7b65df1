"""A process that crawls a made-up web with one frontier until the crawl ends: `crawler FRONTIER QUEUE LEDGER`.

The queue is a SQLite file of its own, at least once: a job stays until its ack, and may be taken anew after 200 ms. The
web has 400 URLs; URL n links to some above it, every eleventh redirects, every thirteenth is refused. Every end of a
visit is a line of the ledger: URL, job, what `finish` did.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from hashlib import sha256

from crawler.frontier import ClaimVerdict, EntryState, Finished, Frontier, Offer, VisitEnding
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.sqlite import SqliteFrontier

ID, URLS, CLAIM_S = "c", 400, 0.2
PAGE, REFUSED = VisitEnding(EntryState.PAGE, "fetched"), VisitEnding(EntryState.REFUSED, "refused")


def key(url: int) -> bytes:
    return sha256(str(url).encode()).digest()[:16]


def final(url: int) -> int:
    return (url * 7 + 5) % URLS if url % 11 == 7 else url


def is_page(url: int) -> bool:
    return final(url) % 13 != 4 and final(final(url)) == final(url)


def links(url: int) -> list[int]:
    return [target for target in (url + 1, 2 * url, 2 * url + 1, 3 * url + 2) if target < URLS]


def expected() -> tuple[set[int], set[int]]:
    """All URLs, and the pages, that the crawl has to be through with."""
    found, pages, stack = {0}, set[int](), [0]
    while stack:
        url = stack.pop()
        if is_page(url):
            pages.add(final(url))
            found.add(final(url))
            fresh = set(links(final(url))) - found
            stack += fresh
            # A final URL that is found by a redirect alone is done, and not visited by itself.
            found |= fresh
    return found, pages


async def open_frontier(url: str) -> Frontier:
    return await (RedisFrontier if url.startswith("redis") else SqliteFrontier).open(url)


class Queue:
    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, timeout=20, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS job (number INTEGER PRIMARY KEY AUTOINCREMENT, url INTEGER, due REAL)"
        )

    def enqueue(self, urls: list[int]) -> list[Offer]:
        self.db.execute("BEGIN IMMEDIATE")
        numbers = [self.db.execute("INSERT INTO job (url, due) VALUES (?, 0)", (url,)).lastrowid for url in urls]
        self.db.execute("COMMIT")
        return [Offer(key(url), f"q:{number}", 0) for url, number in zip(urls, numbers, strict=True)]

    def dequeue(self) -> tuple[int, int] | None:
        now = time.time()
        row = self.db.execute(
            "UPDATE job SET due = ? WHERE number = (SELECT number FROM job WHERE due < ? ORDER BY due LIMIT 1)"
            " RETURNING number, url",
            (now + CLAIM_S, now),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def ack(self, number: int) -> None:
        self.db.execute("DELETE FROM job WHERE number = ?", (number,))


async def visit(frontier: Frontier, queue: Queue, ledger: int, number: int, url: int) -> None:
    offer = Offer(key(url), f"q:{number}", 0)
    (claim,) = await frontier.claim(ID, [offer])
    if claim.verdict is ClaimVerdict.MINE:
        if is_page(url):
            unknown = await frontier.unknown(ID, [key(link) for link in links(final(url))], 1)
            jobs = queue.enqueue([link for link in links(final(url)) if key(link) in unknown])
            await frontier.schedule(ID, jobs)
        finish = await frontier.finish(ID, offer, PAGE if is_page(url) else REFUSED, key(final(url)))
        if finish.finished is Finished.DONE:
            os.write(ledger, f"{url} {number}\n".encode())
    queue.ack(number)


async def crawl(frontier_url: str, queue_path: str, ledger_path: str) -> None:
    frontier, queue = await open_frontier(frontier_url), Queue(queue_path)
    ledger = os.open(ledger_path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    while not (await frontier.crawls.status(ID)).state.ended:
        job = queue.dequeue()
        if job is None:
            await asyncio.sleep(0.01)
        else:
            await visit(frontier, queue, ledger, *job)
    await frontier.close()


if __name__ == "__main__":
    asyncio.run(crawl(*sys.argv[1:]))
