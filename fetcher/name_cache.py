"""Names resolved once and remembered: for their time to live within bounds, failures briefly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cachetools import FIFOCache

from fetcher.addresses import literal
from fetcher.name_lookups import Lookup, LookupAnswer, lookup_of
from fetcher.resolver import Endpoint
from fetcher.settings import NameSettings
from runtime.clock import monotonic_ms
from runtime.single_flight import SingleFlight
from thrift_idl.errors import DnsFailure


class SystemResolver:
    """This machine's resolver with a cache of ours; without `lookup`, the system's own choice, made when first needed.

    A name whose time to live is 0 is looked up again for every hop. Concurrent calls for one name share one look-up.
    """

    def __init__(
        self,
        lookup: Lookup | None = None,
        settings: NameSettings | None = None,
        now_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        self._lookup = lookup
        self._settings = settings or NameSettings()
        self._now_ms = now_ms
        self._cache: FIFOCache[str, tuple[float, LookupAnswer]] = FIFOCache(self._settings.max_names)
        self._look_ups: SingleFlight[str, LookupAnswer] = SingleFlight(lands_alone=True)

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        """Endpoints of `host` in the order of RFC 6724. Raises `DnsFailure` (details: host)."""
        if (address := literal(host)) is not None:
            return (Endpoint(str(address), port),)
        answer = self._cached(host) or await self._looked_up(host)
        if not answer.addresses:
            raise DnsFailure(f"{host} does not resolve: {answer.reason}", host=host)
        return tuple(Endpoint(address, port) for address in answer.addresses)

    async def close(self) -> None:
        """Abandons the look-ups under way."""
        if self._lookup is not None:
            await self._lookup.close()
        self._look_ups.cancel()

    async def _looked_up(self, host: str) -> LookupAnswer:
        try:
            async with asyncio.timeout(self._settings.timeout_ms / 1000):
                return await self._look_ups.join(host, lambda: self._look_up(host))
        except TimeoutError:
            message = f"{host} did not resolve within {self._settings.timeout_ms} ms"
            raise DnsFailure(message, host=host) from None

    async def _look_up(self, host: str) -> LookupAnswer:
        self._lookup = self._lookup or lookup_of()[0]
        answer = await self._lookup.look_up(host)
        self._remember(host, answer)
        return answer

    def _cached(self, host: str) -> LookupAnswer | None:
        until_ms, answer = self._cache.get(host, (0, None))
        return answer if self._now_ms() < until_ms else None

    def _remember(self, host: str, answer: LookupAnswer) -> None:
        self._cache.pop(host, None)
        if not (kept_ms := kept_for_ms(answer, self._settings)):
            return
        self._cache[host] = (self._now_ms() + kept_ms, answer)


def kept_for_ms(answer: LookupAnswer, settings: NameSettings) -> int:
    """How long an answer counts; 0 = for those that wait for it, and no longer."""
    if not answer.addresses:
        return settings.failure_ms
    return settings.no_ttl_ms if answer.ttl_ms is None else min(answer.ttl_ms, settings.max_ttl_ms)
