"""The contract tests' language for a frontier: URLs and jobs by name, one crawl."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from crawler.frontier import ClaimVerdict, EntryClaim, EntryState, Finish, Frontier, Offer, VisitEnding
from crawler.frontier.crawls import Crawl, CrawlState

FETCHED = VisitEnding(EntryState.PAGE, "fetched")
REDIRECTED = VisitEnding(EntryState.ALIAS, "redirected")
REFUSED = VisitEnding(EntryState.REFUSED, "robots_denied")
FAILED = VisitEnding(EntryState.FAILED, "timeout", "http://a.test/slow", "no first byte in 10 s", 3)


def key(name: str) -> bytes:
    return sha256(name.encode()).digest()[:16]


def offer(name: str, job: int = 1, depth: int = 1) -> Offer:
    return Offer(key(name), f"q_c:s1:p1:{name}-{job}", depth)


class Steps:
    """One crawl, `c`, seeded with the URL `seed`, by its job 1."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier

    async def begin(self, max_depth: int | None = None, max_pages: int | None = None) -> None:
        crawl = Crawl("c", "q_c", 1, "host", max_depth, max_pages, created_ms=7, label="aragog crawl")
        assert await self.frontier.crawls.create(crawl, ("a.test",))
        await self.frontier.schedule("c", [offer("seed", depth=0)])
        await self.frontier.crawls.seeded("c")

    async def unknown(self, *names: str, depth: int = 1) -> list[str]:
        told = await self.frontier.unknown("c", [key(name) for name in names], depth)
        return [name for name in dict.fromkeys(names) if key(name) in told]

    async def claim(self, name: str, job: int = 1, depth: int = 1) -> ClaimVerdict:
        return (await self.claims(offer(name, job, depth)))[0].verdict

    async def claims(self, *offers: Offer) -> Sequence[EntryClaim]:
        return await self.frontier.claim("c", offers)

    async def schedule(self, *offers: Offer) -> None:
        await self.frontier.schedule("c", offers)

    async def finish(
        self, name: str, job: int = 1, depth: int = 1, ending: VisitEnding = FETCHED, final: str | None = None
    ) -> Finish:
        return await self.frontier.finish("c", offer(name, job, depth), ending, key(final) if final else None)

    async def visit(self, name: str, job: int = 1, depth: int = 1, ending: VisitEnding = FETCHED) -> Finish:
        assert await self.claim(name, job, depth) is ClaimVerdict.MINE
        return await self.finish(name, job, depth, ending)

    async def counts(self) -> tuple[int, int, int]:
        """Open, done, pages."""
        counters = (await self.frontier.crawls.status("c")).counters
        return counters.open, counters.done, counters.pages

    async def state(self) -> CrawlState:
        return (await self.frontier.crawls.status("c")).state
