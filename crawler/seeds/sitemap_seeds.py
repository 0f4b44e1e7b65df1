"""Sitemaps as a source of seeds: fetched politely like any page, indexes followed, the newest URLs first.

The sitemaps of one registrable domain are read one after another, those of several domains concurrently: a slow domain
delays only itself. The cost of one domain is bounded: files, failed files, waiting time, useless entries.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import weburl
from crawler.frontier.scope import CrawlScope, seed_hosts
from crawler.seeds.crawl_start import Seed
from crawler.seeds.sitemaps import MAX_ENTRIES, Sitemap, read_sitemap
from crawler.visit.visitor import Persistently, UrlError, once
from runtime.wait_budget import WaitBudget
from thrift_idl.errors import BackendDown, Deferred, InvalidUrl, Refused
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import ExplainRequest, FetchRequest, FetchResult, Hop
from thrift_idl.outcomes import fault_outcome
from thrift_idl.redirect_chain import chain_of

AUTO = "auto"
"""In place of a sitemap's URL: those that the seeds' robots.txt name, else /sitemap.xml."""
T = TypeVar("T")

#: Of one registrable domain, like the next three.
MAX_FILES = 1_000
_MAX_LOST = 20
_MAX_USELESS = 2 * MAX_ENTRIES
_PATIENCE_MS = 600_000
_MAX_DEPTH = 3
_TRIES = 3
_RETRY_MS = 5_000
_AT_ONCE = 8
"""Files that are fetched or read at a time, each of another domain."""


@dataclass(slots=True)
class _Domain:
    """The cost so far of one registrable domain's sitemaps."""

    origins: list[str] = field(default_factory=list)
    """Origins whose robots.txt may name sitemaps."""
    named: list[str] = field(default_factory=list)
    """Sitemaps that were given."""
    files: int = 0
    lost: int = 0
    useless: int = 0
    patience: WaitBudget = field(default_factory=lambda: WaitBudget(_PATIENCE_MS))

    @property
    def exceeded(self) -> str:
        """The bound that it has exceeded; "" = none."""
        if self.files >= MAX_FILES:
            return f"{MAX_FILES} sitemaps of this domain were read"
        if self.lost >= _MAX_LOST:
            return f"{_MAX_LOST} sitemaps of this domain can't be had"
        if self.useless >= _MAX_USELESS:
            return f"{self.useless} entries in this domain's sitemaps are no URLs, or came before"
        return ""


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SitemapSeeds:
    """URLs of sitemaps, in batches of one file each. An unreadable one is reported, and the rest continues."""

    fetcher: Fetcher
    roots: tuple[str, ...]
    """Sitemaps' URLs in request form, or `AUTO`."""
    seeds: tuple[str, ...]
    """The crawl's seeds: `AUTO` asks their origins."""
    context: Context
    tell: Callable[[str, str], None]
    """Called with a sitemap and its fault."""
    persistently: Persistently = once

    async def source(self, scope: CrawlScope) -> AsyncIterator[Sequence[Seed]]:
        """The seeds within `scope`. Sitemaps of an index stay on the registrable domains of the first ones."""
        gate, seen = asyncio.Semaphore(_AT_ONCE), set[str]()
        async for entries in _side_by_side([self._walk(each, gate, seen) for each in self._domains()]):
            yield [seed for seed in entries if scope.admits(seed.url)]

    def _domains(self) -> Sequence[_Domain]:
        """The domains of the first sitemaps."""
        found: dict[str, _Domain] = {}
        for root in self.roots:
            if root != AUTO:
                found.setdefault(_domain_of(root), _Domain()).named.append(root)
                continue
            for origin in dict.fromkeys(weburl.deciding_origin(weburl.split(seed)) for seed in self.seeds):
                found.setdefault(_domain_of(origin), _Domain()).origins.append(origin)
        return tuple(found.values())

    async def _walk(self, domain: _Domain, gate: asyncio.Semaphore, seen: set[str]) -> AsyncIterator[Sequence[Seed]]:
        """The seeds of one domain's sitemaps, file by file."""
        first = list(domain.named)
        for origin in domain.origins:
            async with gate:
                first += await self._named_by(origin)
        begun = [root for root in self.roots if root != AUTO] + (list(self.seeds) if AUTO in self.roots else [])
        home = CrawlScope.of("domain", seed_hosts([*begun, *first]))
        waiting = deque((url, 0) for url in dict.fromkeys(first))
        while waiting:
            url, depth = waiting.popleft()
            if url in seen:
                continue
            if domain.exceeded:
                self.tell(url, f"set aside with {len(waiting)} others: {domain.exceeded}")
                return
            seen.add(url)
            found = await self._sitemap(url, domain, gate)
            entries = sorted(found.entries, key=lambda entry: -entry.lastmod_ms)
            if not found.is_index:
                yield [Seed(entry.url) for entry in entries]
            elif depth < _MAX_DEPTH:
                named = [each.url for each in entries if each.url not in seen and home.admits(each.url)]
                waiting.extend((name, depth + 1) for name in named[: max(0, MAX_FILES - len(waiting))])

    async def _named_by(self, origin: str) -> Sequence[str]:
        request = ExplainRequest(self.context, origin + "/")
        explained = await self.persistently(lambda: self.fetcher.explain(request))
        return (explained.robots.sitemaps if explained.robots else ()) or (origin + "/sitemap.xml",)

    async def _sitemap(self, url: str, domain: _Domain, gate: asyncio.Semaphore) -> Sitemap:
        """The content of the file at `url`; nothing if it isn't available."""
        domain.files += 1
        try:
            fetched = await self._fetched(url, domain, gate)
            async with gate:
                found = await asyncio.to_thread(read_sitemap, fetched.content)
        except BackendDown:
            raise
        except UrlError as error:
            domain.lost += 1
            self.tell(url, f"{error.code}: {error.message}")
            return Sitemap()
        except Exception as error:  # unforeseen, or our configuration is wrong: the other sitemaps are still read
            outcome = fault_outcome(error, self.context.request_id, 0)
            _log.error("sitemap %s failed by an error of ours", url, exc_info=error)
            domain.lost += 1
            self.tell(url, f"{outcome.code}: {outcome.message}")
            return Sitemap()
        domain.useless += found.useless
        for flag in dict.fromkeys((*fetched.flags, *found.flags)):
            self.tell(url, f"{flag}: {len(found.entries)} entries were read")
        if found.useless:
            self.tell(url, f"{found.useless} entries are no URLs, or came before")
        return found

    async def _fetched(self, url: str, domain: _Domain, gate: asyncio.Semaphore) -> FetchResult:
        """The file, fetched like a page, and retried as told while it is deferred. Raises the last outcome."""
        tries = 0
        chain: tuple[Hop, ...] = ()
        while True:
            try:
                async with gate:
                    return await self._once(url, chain)
            except UrlError as error:
                delay_ms, chain = error.delay_ms or _RETRY_MS, chain_of(error)
                tries += not isinstance(error, Deferred)
                if isinstance(error, Refused) or tries >= _TRIES or not await domain.patience.wait(delay_ms):
                    raise

    async def _once(self, url: str, chain: tuple[Hop, ...]) -> FetchResult:
        request = FetchRequest(context=self.context, url=url, accept=("*",), resume=chain)
        return await self.persistently(lambda: self.fetcher.fetch(request))


async def _side_by_side(walks: Sequence[AsyncIterator[T]]) -> AsyncIterator[T]:
    """The values of each, as soon as they come; each is at most one value ahead."""
    under_way = {asyncio.ensure_future(anext(walk)): walk for walk in walks}
    try:
        while under_way:
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                walk = under_way.pop(task)
                try:
                    given = task.result()
                except StopAsyncIteration:
                    continue
                under_way[asyncio.ensure_future(anext(walk))] = walk
                yield given
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _domain_of(url: str) -> str:
    return weburl.split(url).registrable_domain


def sitemap_roots(given: Sequence[str]) -> tuple[str, ...]:
    """Request forms of the value of `--sitemap`. Raises `InvalidUrl`."""
    found: list[str] = []
    for text in given:
        try:
            found.append(AUTO if text == AUTO else weburl.request_form(text))
        except InvalidUrl as error:
            raise InvalidUrl(f"--sitemap {text}: {error.message}") from None
    return tuple(dict.fromkeys(found))
