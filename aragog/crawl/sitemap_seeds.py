"""Sitemaps as a source of seeds: fetched politely like any page, indexes followed, the newest URLs first."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import weburl
from aragog.crawl.scope import Scope, seed_hosts
from aragog.crawl.start import Seed
from aragog.crawl.visit import Persistently, UrlError, fault_outcome, once
from aragog.sitemaps import Sitemap, read_sitemap
from fetcher.chain import chain_of
from thrift_idl.errors import BackendDown, Deferred, InvalidUrl, Refused
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import ExplainRequest, FetchRequest, FetchResult, Hop

AUTO = "auto"
"""Instead of a sitemap's URL: those that the seeds' robots.txt name, else /sitemap.xml."""
MAX_FILES = 1_000
_MAX_DEPTH = 3
_PATIENCE_MS = 600_000
_TRIES = 3
_RETRY_MS = 5_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SitemapSeeds:
    """URLs of sitemaps, in batches of one file each. What can't be had or read is told, and the rest goes on."""

    fetcher: Fetcher
    roots: tuple[str, ...]
    """Sitemaps' URLs in request form, or `AUTO`."""
    seeds: tuple[str, ...]
    """The crawl's seeds: `AUTO` asks their origins."""
    context: Context
    tell: Callable[[str, str], None]
    """Told of a sitemap and what is wrong with it."""
    persistently: Persistently = once

    async def source(self, scope: Scope) -> AsyncIterator[Sequence[Seed]]:
        """The seeds within `scope`. Sitemaps of an index stay on the registrable domains where the first ones are."""
        first = await self._first()
        home = Scope.of("domain", seed_hosts(first))
        waiting = deque((url, 0) for url in first)
        seen = set(first)
        while waiting:
            url, depth = waiting.popleft()
            found = await self._sitemap(url)
            entries = sorted(found.entries, key=lambda entry: -entry.lastmod_ms)
            if not found.is_index:
                yield [Seed(entry.url) for entry in entries if scope.admits(entry.url)]
            elif depth < _MAX_DEPTH:
                named = [each.url for each in entries if each.url not in seen and home.admits(each.url)]
                named = named[: max(0, MAX_FILES - len(seen))]
                seen.update(named)
                waiting.extend((name, depth + 1) for name in named)

    async def _first(self) -> list[str]:
        """The sitemaps to begin with."""
        found: list[str] = []
        for root in self.roots:
            if root != AUTO:
                found.append(root)
                continue
            origins = dict.fromkeys(weburl.deciding_origin(weburl.split(seed)) for seed in self.seeds)
            for origin in origins:
                found += await self._named_by(origin)
        return list(dict.fromkeys(found))

    async def _named_by(self, origin: str) -> Sequence[str]:
        request = ExplainRequest(self.context, origin + "/")
        explained = await self.persistently(lambda: self.fetcher.explain(request))
        return (explained.robots.sitemaps if explained.robots else ()) or (origin + "/sitemap.xml",)

    async def _sitemap(self, url: str) -> Sitemap:
        """What the file at `url` says; nothing where it can't be had."""
        try:
            fetched = await self._fetched(url)
            found = await asyncio.to_thread(read_sitemap, fetched.content)
        except BackendDown:
            raise
        except UrlError as error:
            self.tell(url, f"{error.code}: {error.message}")
            return Sitemap()
        except Exception as error:  # nobody foresaw it, or our configuration is wrong: the other sitemaps are read
            outcome = fault_outcome(error, self.context.request_id, 0)
            _log.error("sitemap %s failed by an error of ours", url, exc_info=error)
            self.tell(url, f"{outcome.code}: {outcome.message}")
            return Sitemap()
        for flag in dict.fromkeys((*fetched.flags, *found.flags)):
            self.tell(url, f"{flag}: {len(found.entries)} entries were read")
        return found

    async def _fetched(self, url: str) -> FetchResult:
        """As a page is fetched, come back to as told while it is deferred. Raises the last outcome."""
        left_ms, tries = _PATIENCE_MS, 0
        chain: tuple[Hop, ...] = ()
        while True:
            try:
                return await self._once(url, chain)
            except UrlError as error:
                delay_ms, chain = error.delay_ms or _RETRY_MS, chain_of(error)
                tries += not isinstance(error, Deferred)
                if isinstance(error, Refused) or tries >= _TRIES or delay_ms > left_ms:
                    raise
            left_ms -= delay_ms
            await asyncio.sleep(delay_ms / 1000)

    async def _once(self, url: str, chain: tuple[Hop, ...]) -> FetchResult:
        request = FetchRequest(context=self.context, url=url, accept=("*",), resume=chain)
        return await self.persistently(lambda: self.fetcher.fetch(request))


def sitemap_roots(given: Sequence[str]) -> tuple[str, ...]:
    """Request forms of what `--sitemap` names. Raises `InvalidUrl`."""
    found: list[str] = []
    for text in given:
        try:
            found.append(AUTO if text == AUTO else weburl.request_form(text))
        except InvalidUrl as error:
            raise InvalidUrl(f"--sitemap {text}: {error.message}") from None
    return tuple(dict.fromkeys(found))
