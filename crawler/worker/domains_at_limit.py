"""Domains at their limit: further jobs of them are given their later time at once, without a visit each.

A visit that ends in `no_slot` costs a read of the store, a connection, a claim: ten thousand jobs of a busy domain
would delay all other domains for that time. So after a visit without a slot, the limiter is asked how many
slots its domain has left; that many jobs of a batch are visited, and the others' places are taken in one call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from cachetools import TTLCache

import weburl
from runtime.clock import monotonic_ms
from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest, StatusRequest

#: The time after a visit without a slot in which its domain is watched.
_WATCHED_MS = 2_000
MAX_WAIT_MS = 500
"""The longest wait for a slot of a visit in a crawl. Each holds a place: with a longer wait, those of a busy domain
would hold most of them. A job comes back half of it before its slot."""
_MAX_DOMAINS = 10_000
_MAX_BATCH = 1_000


class DomainsAtLimit:
    """The domains that had no slot recently, and the delays of their jobs."""

    def __init__(
        self,
        limiter: RateLimiter,
        source: str,
        now_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        self._limiter = limiter
        self._context = Context(source)
        self._refused: TTLCache[str, None] = TTLCache(_MAX_DOMAINS, _WATCHED_MS, now_ms)

    def had_no_slot(self, url: str) -> None:
        """A visit of `url` ended without a slot."""
        self._refused[weburl.split(url).registrable_domain] = None

    async def delays(self, urls: Sequence[str]) -> list[int]:
        """For each URL, in order: 0 = visit it, else the delay in ms after which it finds a slot.

        Raises `BackendDown`; it may then be called again.
        """
        if not self._refused:
            return [0] * len(urls)
        found = [self._watched(url) for url in urls]
        left = {domain: await self._slots_left(domain) for domain in {each.domain for each in found if each}}
        late: list[tuple[int, Reservation]] = []
        for at, each in enumerate(found):
            if each:
                left[each.domain] -= 1
                late += [(at, each)] if left[each.domain] < 0 else []
        return await self._places(late, len(urls))

    def _watched(self, url: str) -> Reservation | None:
        try:
            split = weburl.split(url)
        except InvalidUrl:  # the visit reports it
            return None
        domain = split.registrable_domain
        return Reservation(domain, weburl.deciding_form(split.host), max_wait_ms=0) if domain in self._refused else None

    async def _slots_left(self, domain: str) -> int:
        """The number of further visits that wait no longer than a fetch does. A held or blocked domain answers each."""
        status = await self._limiter.status(StatusRequest(self._context, domain))
        if status.held_ms or status.blocked_ms:
            return _MAX_BATCH
        return max(0, int((MAX_WAIT_MS - status.next_slot_ms) / status.interval_ms) + 1)

    async def _places(self, late: Sequence[tuple[int, Reservation]], count: int) -> list[int]:
        delays = [0] * count
        if late:
            request = ReserveBatchRequest(self._context, tuple(each for _, each in late[:_MAX_BATCH]))
            for (at, _), grant in zip(late, await self._limiter.reserve_batch(request), strict=False):
                if grant.reason == "no_slot":
                    delays[at] = max(1, math.ceil(grant.retry_after_ms - MAX_WAIT_MS / 2))
        return delays
