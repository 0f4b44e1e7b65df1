"""Pages larger than a place's share of the bytes in flight: fetched once more, whole, one at a time.

Domains get that place in turn, so that a domain with slow large pages doesn't keep it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from runtime.turns import Turns
from thrift_idl.errors import Deferred, Moved, Refused, Unavailable
from thrift_idl.gen.fetcher.ttypes import FetchRequest, FetchResult
from thrift_idl.records import replace
from weburl import domain_of

_TRIES = 5
_LONGEST_WAIT_MS = 2_000


@dataclass(frozen=True, slots=True)
class LargePlace:
    """The one place of a worker where a page may have as many bytes as the fetcher takes."""

    max_bytes: int
    _turns: Turns = field(default_factory=lambda: Turns(1))

    async def whole(
        self, cut: FetchResult, request: FetchRequest, fetch: Callable[[FetchRequest], Awaitable[FetchResult]]
    ) -> FetchResult:
        """The page of `cut` with all its bytes; `cut` itself if our share didn't cut it, or it isn't available again.

        That costs its site a second request, which is better than places that could all be as large as that page.
        """
        share = request.max_bytes
        if share is None or share >= self.max_bytes or len(cut.content) < share or "truncated" not in cut.flags:
            return cut
        again = await self._fetched(replace(request, url=cut.url, max_bytes=self.max_bytes, resume=()), fetch)
        if again is None or (again.url, again.status) != (cut.url, cut.status):
            return cut
        return replace(again, chain=cut.chain, began_ms=cut.began_ms)

    async def _fetched(
        self, request: FetchRequest, fetch: Callable[[FetchRequest], Awaitable[FetchResult]]
    ) -> FetchResult | None:
        """The page, if it is available soon: its domain may have no slot at once."""
        for _ in range(_TRIES):
            async with self._turns.turn(domain_of(request.url)):
                try:
                    return await fetch(request)
                except (Moved, Refused, Unavailable):
                    return None
                except Deferred as deferred:
                    wait_ms = min(deferred.delay_ms, _LONGEST_WAIT_MS)
            await asyncio.sleep(wait_ms / 1000)
        return None
