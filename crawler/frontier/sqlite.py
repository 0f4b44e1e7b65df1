"""The frontier in one SQLite file: the rules of `Book`, each slice of a call one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Self

from crawler.frontier import ClaimVerdict, EntryClaim, Finish, Finished, Offer, Rekeyed, VisitEnding
from crawler.frontier.book import Book
from crawler.frontier.entry import FrontierEntry, unpack
from crawler.frontier.records import slices
from crawler.frontier.sqlite_book import run
from crawler.frontier.sqlite_crawls import SqliteCrawls
from drivers.migrations import load
from drivers.sqlite import Database, Durability, open_database
from weburl import KEY_VERSION
from weburl.earlier_key_versions import check_key_version

_SOME_ENTRIES = (
    "SELECT key, entry FROM frontier_entry"
    " WHERE crawl = (SELECT number FROM frontier_crawl WHERE id = ?) AND key > ? ORDER BY key LIMIT 1000"
)


class SqliteFrontier:
    """`Frontier` over SQLite. Safe for several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.crawls = SqliteCrawls(database)

    @classmethod
    async def open(cls, url: str, *, durability: Durability = "normal", any_keys: bool = False) -> Self:
        """The frontier in the file that `url` (`sqlite:///full/path`) names, created or migrated if needed.

        `any_keys`: also one whose URL keys have another version, to convert it. Raises `BadConfiguration`,
        `StoreTooNew`, `StoreTooOld`, `StoreUnreadable`, `DiskFull`, `BackendDown`.
        """
        database = await open_database(url, durability=durability)
        try:
            await database.migrate(load("frontier", "crawler.frontier.migrations", "sql"))
            if not any_keys:
                check_key_version(await _key_version(database), database.name)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    async def unknown(self, crawl_id: str, keys: Sequence[bytes], depth: int) -> Sequence[bytes]:
        """Point reads in the calling thread, unless a least depth is to be lowered."""
        unknown: list[bytes] = []
        for part in slices(tuple(dict.fromkeys(keys))):
            unknown += await run(
                self._database, crawl_id, part, partial(Book.unknown, keys=part, depth=depth), [], reads=True
            )
        return unknown

    async def schedule(self, crawl_id: str, offers: Sequence[Offer]) -> None:
        """One transaction a slice."""
        for part in slices(offers):
            keys = [offer.key for offer in part]
            await run(self._database, crawl_id, keys, partial(Book.schedule, offers=part), None, reads=False)

    async def claim(self, crawl_id: str, offers: Sequence[Offer]) -> Sequence[EntryClaim]:
        """Point reads in the calling thread, if nothing changes: jobs of a crawl without a page budget."""
        claims: list[EntryClaim] = []
        for part in slices(offers):
            otherwise = [EntryClaim(ClaimVerdict.NOT_RUNNING, offer.depth) for offer in part]
            keys = [offer.key for offer in part]
            claims += await run(self._database, crawl_id, keys, partial(Book.claim, offers=part), otherwise, reads=True)
        return claims

    async def release(self, crawl_id: str, offers: Sequence[Offer]) -> None:
        """Point reads if there is nothing to give back."""
        for part in slices(offers):
            keys = [offer.key for offer in part]
            await run(self._database, crawl_id, keys, partial(Book.release, offers=part), None, reads=True)

    async def finish(self, crawl_id: str, offer: Offer, ending: VisitEnding, final_key: bytes | None = None) -> Finish:
        """One transaction, shared with other waiting writes."""
        otherwise = Finish(Finished.STALE, offer.depth, 0, 0, True)
        keys = {offer.key, offer.key if final_key is None else final_key}
        return await run(
            self._database,
            crawl_id,
            keys,
            partial(Book.finish, offer=offer, ending=ending, final_key=final_key),
            otherwise,
            reads=False,
        )

    async def key_version(self) -> int:
        """The one row of its table."""
        return await _key_version(self._database)

    async def write_key_version(self, version: int) -> None:
        """One upsert."""
        await self._database.write(lambda db: db.execute("REPLACE INTO frontier_key_version VALUES (0, ?)", (version,)))

    async def rekey(self, crawl_id: str, urls: Sequence[Rekeyed]) -> int:
        """One transaction for each slice with a change."""
        moved = 0
        for part in slices(urls):
            keys = {key for url in part for key in (url.old, url.new)}
            moved += await run(self._database, crawl_id, keys, partial(Book.rekey, urls=part), 0, reads=True)
        return moved

    async def entries(self, crawl_id: str) -> AsyncIterator[Mapping[bytes, FrontierEntry]]:
        """In the order of their keys."""
        after = b""
        while True:
            some = await self._database.read(partial(_some_entries, crawl_id=crawl_id, after=after))
            if not some:
                return
            yield some
            after = max(some)

    async def disown(self, crawl_id: str, entries: Mapping[bytes, FrontierEntry], *, refetch: bool = False) -> int:
        """One transaction a slice."""
        disowned = 0
        for part in slices(tuple(entries.items())):
            told = dict(part)
            rule = partial(Book.disown, entries=told, refetch=refetch)
            disowned += await run(self._database, crawl_id, told, rule, 0, reads=False)
        return disowned

    async def give_up(self, crawl_id: str, keys: Sequence[bytes]) -> int:
        """One transaction a slice."""
        given_up = 0
        for part in slices(keys):
            given_up += await run(self._database, crawl_id, part, partial(Book.give_up, keys=part), 0, reads=False)
        return given_up

    async def close(self) -> None:
        """Commit waiting writes, close the file."""
        await self._database.close()


def _some_entries(db: sqlite3.Connection, crawl_id: str, after: bytes) -> dict[bytes, FrontierEntry]:
    return {key: unpack(packed) for key, packed in db.execute(_SOME_ENTRIES, (crawl_id, after))}


async def _key_version(database: Database) -> int:
    """The noted version; of a new frontier, which has no note yet, our own version."""
    return int((await database.noted("frontier_key_version", (KEY_VERSION,)))[0])
