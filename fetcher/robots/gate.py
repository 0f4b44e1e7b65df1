"""The gate that every page passes: the verdict of robots.txt, with the file fetched first if needed (RFC 9309).

A shared cache that is down makes us neither impolite nor idle: it counts as a miss, the file is fetched from its
origin like any other URL, on a reservation, and kept in this process, so that an outage costs one request an origin.

Turns for work whose size a site decides and that takes more than a few milliseconds: one piece at a time.

Threads share the interpreter with the event loop, so that each working thread slows down everything. A domain whose
work took CPU waits three times as long before its next piece: it can have a fourth of one thread, and another domain
waits for one piece of it, not for all its pieces.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import weburl
from fetcher.robots.cache import (
    Compiled,
    CompiledRules,
    CopyState,
    RobotsCache,
    RobotsCopy,
    failed,
    remembered_failure,
    renewed,
    state_of,
)
from fetcher.robots.retrieval import Retrieved, robots_url
from fetcher.robots.rules import QUICK_STEPS, TOO_MANY_STEPS, RobotsRules, StepCount
from fetcher.settings import KIB, RobotsSettings
from fetcher.telemetry import FetcherTelemetry
from runtime.clock import Clock, thread_cpu_ms
from runtime.single_flight import SingleFlight
from thrift_idl.errors import BackendDown, InvalidUrl, RetryAfter, RobotsUnavailable, Unavailable
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import RobotsVerdict

T = TypeVar("T")
_REST = 3


@dataclass(slots=True)
class _Line:
    """The waiting work of one domain."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    free_at_ms: float = 0


class DomainTurns:
    """Gives each domain its turns."""

    def __init__(self, clock: Clock) -> None:
        self._now_ms = clock.now_ms
        self._at_work = asyncio.Lock()
        self._lines: dict[str, _Line] = {}

    async def take(self, domain: str, work: Callable[[], T]) -> T:
        """The result of `work`, done in a thread when `domain` has its turn."""
        self._forget()
        line = self._lines.setdefault(domain, _Line())
        line.waiting += 1
        try:
            async with line.turn:
                await asyncio.sleep(max(0, line.free_at_ms - self._now_ms()) / 1_000)
                async with self._at_work:
                    return await self._done(line, work)
        finally:
            line.waiting -= 1

    async def _done(self, line: _Line, work: Callable[[], T]) -> T:
        result, cpu_ms = await asyncio.to_thread(_timed, work)
        line.free_at_ms = self._now_ms() + _REST * cpu_ms
        return result

    def _forget(self) -> None:
        """Drop empty lines that have rested."""
        now_ms = self._now_ms()
        for domain in [d for d, line in self._lines.items() if not line.waiting and line.free_at_ms <= now_ms]:
            del self._lines[domain]


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of `work`, and its CPU milliseconds; waiting for the interpreter isn't counted."""
    began_ms = thread_cpu_ms()
    return work(), thread_cpu_ms() - began_ms


FetchRobots = Callable[[weburl.Url, Context, RobotsCopy | None], Awaitable[Retrieved]]
"""The robots.txt of the URL's origin, or that the copy is current. Raises what `failed` remembers, or a deferral.
"""

# Work that may take more than a few milliseconds is done in a thread, in turns.
_COMPILED_ON_LOOP = 8 * KIB


class RobotsGate:
    """Verdicts by deciding origin: rules compiled in this process, texts in the shared cache, then the origin."""

    def __init__(
        self,
        fetch: FetchRobots,
        cache: RobotsCache,
        token: str,
        settings: RobotsSettings,
        clock: Clock,
        telemetry: FetcherTelemetry,
    ) -> None:
        self._fetch = fetch
        self._cache = cache
        self._token = token
        self._settings = settings
        self._wall_ms = clock.wall_ms
        self._telemetry = telemetry
        self._compiled = CompiledRules(settings.compiled_bytes)
        self._flights: SingleFlight[str, Compiled] = SingleFlight()
        self._turns = DomainTurns(clock)

    async def verdict(self, url: weburl.Url, context: Context) -> RobotsVerdict:
        """The verdict of the origin's robots.txt on `url`.

        Raises `RobotsUnavailable`, `Unavailable`, `RetryAfter` if the file isn't available and no copy replaces it,
        `NoSlot` or `HostHeld` if no slot for fetching it is free.
        """
        origin = weburl.deciding_origin(url)
        compiled = self._compiled.get(origin)
        if compiled is None or not self._decides(compiled.copy):
            compiled = await self._flights.join(origin, lambda: self._obtain(url, context))
        if not self._decides(compiled.copy):
            raise remembered_failure(compiled.copy, self._wall_ms())
        rules = compiled.rules
        verdict = rules.verdict(url.target, StepCount(QUICK_STEPS))
        if verdict.flag == TOO_MANY_STEPS:
            verdict = await self._turns.take(url.registrable_domain, lambda: rules.verdict(url.target))
        if verdict.flag:
            self._telemetry.robots_exceeded(origin, verdict.flag)
        return verdict

    def sitemaps(self, url: weburl.Url) -> tuple[str, ...]:
        """Request forms of the sitemaps that the origin's file names; () if no verdict was requested lately."""
        compiled = self._compiled.get(weburl.deciding_origin(url))
        return sitemap_urls(compiled.rules, url) if compiled else ()

    async def close(self) -> None:
        """End running fetches."""
        await self._flights.close()

    def _decides(self, copy: RobotsCopy) -> bool:
        return state_of(copy, self._wall_ms(), self._settings) in (CopyState.FRESH, CopyState.STANDING_IN)

    async def _obtain(self, url: weburl.Url, context: Context) -> Compiled:
        """The copy that decides, from this process, the cache or the origin. One at a time for each origin."""
        origin = weburl.deciding_origin(url)
        mine = self._compiled.get(origin)
        copy = mine.copy if mine else None
        state = state_of(copy, self._wall_ms(), self._settings)
        if state in (CopyState.MISSING, CopyState.STALE):
            copy = await self._cached(origin) or copy
            state = state_of(copy, self._wall_ms(), self._settings)
        if copy is None or state in (CopyState.MISSING, CopyState.STALE):
            copy = await self._fetched(url, context, copy if state is CopyState.STALE else None)
            await self._keep(copy)
        return await self._compile(copy, url.registrable_domain)

    async def _fetched(self, url: weburl.Url, context: Context, stale: RobotsCopy | None) -> RobotsCopy:
        """A new copy from the origin, or the stale one renewed; a failure becomes a copy that remembers it."""
        origin = weburl.deciding_origin(url)
        try:
            found = await self._fetch(url, context, stale)
        except (RobotsUnavailable, RetryAfter, Unavailable) as error:
            return failed(origin, stale, error, self._wall_ms(), self._settings)
        if found.unchanged and stale is not None:
            return renewed(stale, self._wall_ms())
        return RobotsCopy(origin, found.content, self._wall_ms(), etag=found.etag, last_modified=found.last_modified)

    async def _cached(self, origin: str) -> RobotsCopy | None:
        try:
            return await self._cache.get(origin)
        except BackendDown as error:
            self._telemetry.robots_cache_failed(error.code)
            return None

    async def _keep(self, copy: RobotsCopy) -> None:
        settings = self._settings
        keep_ms = settings.max_age_ms + settings.stale_ms if copy.fetched_ms else settings.failure_ms
        try:
            await self._cache.put(copy, keep_ms)
        except BackendDown as error:
            self._telemetry.robots_cache_failed(error.code)

    async def _compile(self, copy: RobotsCopy, domain: str) -> Compiled:
        if len(copy.content) <= _COMPILED_ON_LOOP:
            rules = RobotsRules(copy.content, self._token)
        else:
            rules = await self._turns.take(domain, lambda: RobotsRules(copy.content, self._token))
        compiled = Compiled(copy, rules)
        self._compiled.keep(compiled)
        return compiled


def sitemap_urls(rules: RobotsRules, url: weburl.Url) -> tuple[str, ...]:
    """Request forms of the sitemaps that the robots.txt of `url` names; invalid URLs are left out."""
    found: list[str] = []
    for name in rules.sitemaps:
        with contextlib.suppress(InvalidUrl):
            found.append(weburl.join(robots_url(url), name.encode("utf-8", "replace").decode()))
    return tuple(dict.fromkeys(found))
