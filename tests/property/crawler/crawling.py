"""A crawl made of dicts: a web, an at-least-once queue, and workers that are advanced one step at a time.

A worker is an async generator that stops between any two of its calls; whoever drives it may drop it there (a crash:
all it knew is gone and its job is delivered again), or deliver its job a second time while it goes on (a lost claim).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256

from crawler.frontier import ClaimVerdict, EntryState, Finished, Frontier, Offer, VisitEnding
from crawler.frontier.crawls import Crawl
from crawler.frontier.scope import follows

ID = "c"


def key(url: int) -> bytes:
    return sha256(str(url).encode()).digest()[:16]


@dataclass(frozen=True)
class Web:
    """URLs are numbers; what isn't a redirect, refused or failing is a page."""

    links: dict[int, tuple[int, ...]]
    redirects: dict[int, int]
    refused: frozenset[int]
    failing: frozenset[int]

    def final(self, url: int, one_hop: bool) -> int:
        return url if one_hop else self.redirects.get(url, url)

    def ending(self, url: int, one_hop: bool) -> VisitEnding:
        final = self.final(url, one_hop)
        if one_hop and url in self.redirects:
            return VisitEnding(EntryState.ALIAS, "redirected")
        if final in self.redirects or final in self.refused:
            return VisitEnding(EntryState.REFUSED, "refused")
        return (
            VisitEnding(EntryState.FAILED, "failed")
            if final in self.failing
            else VisitEnding(EntryState.PAGE, "fetched")
        )

    def onward(self, url: int, one_hop: bool) -> tuple[int, tuple[int, ...]]:
        """The added depth of a visit of `url`, and its target."""
        if one_hop and url in self.redirects:
            return 0, (self.redirects[url],)
        leads_on = self.ending(url, one_hop).state is EntryState.PAGE
        return 1, self.links.get(self.final(url, one_hop), ()) if leads_on else ()

    def reachable(
        self, seeds: tuple[int, ...], max_depth: int | None, one_hop: bool
    ) -> tuple[dict[int, int], set[int]]:
        """All URLs that a crawl has to be through with, each with its least depth; and the pages among them."""
        nearest, pages = dict.fromkeys(seeds, 0), dict[int, int]()
        queue = deque(seeds)
        while queue:
            url = queue.popleft()
            depth, final = nearest[url], self.final(url, one_hop)
            if self.ending(url, one_hop).state is EntryState.PAGE:
                pages[final] = min(depth, pages.get(final, depth))
            deeper, links = self.onward(url, one_hop)
            for link in links if deeper == 0 or follows(depth, max_depth) else ():
                if depth + deeper < nearest.get(link, 10**9):
                    nearest[link] = depth + deeper
                    queue.append(link)
        for page, depth in pages.items():
            nearest[page] = min(depth, nearest.get(page, depth))
        return nearest, set(pages)


@dataclass
class Job:
    url: int
    number: int
    depth: int
    deferrals: int = 0

    @property
    def offer(self) -> Offer:
        return Offer(key(self.url), f"q:s1:p1:{self.number}", self.depth)


@dataclass
class World:
    frontier: Frontier
    web: Web
    crawl: Crawl
    seeds: tuple[int, ...]
    one_hop: bool
    """Whether a redirect's target is a URL to be visited by itself, or walked to in the same visit."""
    pending: list[Job] = field(default_factory=list)
    held: dict[int, Job] = field(default_factory=dict)
    jobs: int = 0
    requests: Counter[int] = field(default_factory=Counter)
    finished: Counter[bytes] = field(default_factory=Counter)

    # --- the queue ---

    def enqueue(self, url: int, depth: int) -> Job:
        self.jobs += 1
        job = Job(url, self.jobs, depth)
        self.pending.append(job)
        return job

    def dequeue(self, at: int) -> Job:
        job = self.pending.pop(at)
        self.held[job.number] = job
        return job

    def ack(self, job: Job) -> None:
        self.held.pop(job.number, None)
        self.pending = [other for other in self.pending if other.number != job.number]

    def redeliver(self, job: Job) -> None:
        """The claim ran out, unless the job was acked."""
        if self.held.pop(job.number, None):
            self.pending.append(job)

    # --- who works on it ---

    async def seed(self) -> AsyncIterator[None]:
        await self.frontier.crawls.create(self.crawl)
        yield
        for url in self.seeds:
            if await self.frontier.unknown(ID, [key(url)], 0):
                job = self.enqueue(url, 0)
                yield
                await self.frontier.schedule(ID, [job.offer])
            yield
        await self.frontier.crawls.seeded(ID)

    async def visit(self, job: Job) -> AsyncIterator[None]:
        (claim,) = await self.frontier.claim(ID, [job.offer])
        yield
        if claim.verdict is ClaimVerdict.LATER:
            self.redeliver(job)
        elif claim.verdict not in (ClaimVerdict.MINE, ClaimVerdict.RELINK):
            self.ack(job)
        elif claim.verdict is ClaimVerdict.MINE and job.deferrals > 0:
            job.deferrals -= 1
            await self.frontier.release(ID, [job.offer])
            yield
            self.redeliver(job)
        else:
            if claim.verdict is ClaimVerdict.MINE:
                self.requests[self.final(job.url)] += 1
            async for _ in self._link_and_finish(job, claim.depth):
                yield
            self.ack(job)

    def final(self, url: int) -> int:
        return self.web.final(url, self.one_hop)

    async def _link_and_finish(self, job: Job, depth: int) -> AsyncIterator[None]:
        ending = self.web.ending(job.url, self.one_hop)
        deeper, links = self.web.onward(job.url, self.one_hop)
        while True:
            if deeper == 0 or follows(depth, self.crawl.max_depth):
                async for _ in self._link(links, depth + deeper):
                    yield
            offer = Offer(job.offer.key, job.offer.descriptor, depth)
            finish = await self.frontier.finish(ID, offer, ending, key(self.final(job.url)))
            yield
            if finish.finished is Finished.DONE:
                self.finished[offer.descriptor.encode()] += 1
            if finish.finished is not Finished.AGAIN:
                return
            depth = finish.depth

    async def _link(self, urls: tuple[int, ...], depth: int) -> AsyncIterator[None]:
        unknown = await self.frontier.unknown(ID, [key(url) for url in urls], depth)
        yield
        jobs = [self.enqueue(url, depth) for url in dict.fromkeys(urls) if key(url) in unknown]
        yield
        await self.frontier.schedule(ID, [job.offer for job in jobs])
        yield
