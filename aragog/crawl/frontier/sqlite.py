"""The frontier in one SQLite file: the rules of `Book`, each slice of a call one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Self

from aragog.crawl.frontier import Claim, Ending, Finish, Finished, Offer, Verdict
from aragog.crawl.frontier.book import Book
from aragog.crawl.frontier.records import slices
from aragog.crawl.frontier.sqlite_book import run
from aragog.crawl.frontier.sqlite_crawls import SqliteCrawls
from drivers.migrations import load
from drivers.sqlite import Database, Durability, open_database


class SqliteFrontier:
    """`Frontier` over SQLite. Safe for several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.crawls = SqliteCrawls(database)

    @classmethod
    async def open(cls, url: str, *, durability: Durability = "normal") -> Self:
        """The frontier in the file that `url` (`sqlite:///full/path`) names, made or migrated where needed.

        Raises `BadConfiguration`, `StoreTooNew`, `StoreUnreadable`, `DiskFull`, `BackendDown`.
        """
        database = await open_database(url, durability=durability)
        try:
            await database.migrate(load("frontier", "aragog.crawl.frontier.migrations", "sql"))
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

    async def claim(self, crawl_id: str, offers: Sequence[Offer]) -> Sequence[Claim]:
        """Point reads in the calling thread, where nothing moves: jobs of a crawl without a page budget."""
        claims: list[Claim] = []
        for part in slices(offers):
            otherwise = [Claim(Verdict.NOT_RUNNING, offer.depth) for offer in part]
            keys = [offer.key for offer in part]
            claims += await run(self._database, crawl_id, keys, partial(Book.claim, offers=part), otherwise, reads=True)
        return claims

    async def release(self, crawl_id: str, offers: Sequence[Offer]) -> None:
        """Point reads where there is nothing to give back."""
        for part in slices(offers):
            keys = [offer.key for offer in part]
            await run(self._database, crawl_id, keys, partial(Book.release, offers=part), None, reads=True)

    async def finish(self, crawl_id: str, offer: Offer, ending: Ending, final_key: bytes | None = None) -> Finish:
        """One transaction, shared with what else is being written."""
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

    async def close(self) -> None:
        """Commit what is under way, close the file."""
        await self._database.close()
