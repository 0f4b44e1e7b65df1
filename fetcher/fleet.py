"""Several fetchers as one: each origin has its own, so that its connections and its robots.txt stay in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import TypeVar

import weburl
from runtime.clock import Clock
from thrift_idl.errors import BackendDown, BadConfiguration, InvalidUrl
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import ExplainRequest, Explanation, FetchRequest, FetchResult

T = TypeVar("T")
_AVOIDED_MS = 5_000


def ranking(origin: str, members: Mapping[str, Fetcher]) -> list[str]:
    """Members' addresses, the one of `origin` first (rendezvous hashing: a change moves few origins)."""
    return sorted(members, key=lambda address: blake2b(f"{address} {origin}".encode(), digest_size=8).digest())


class FetcherFleet:
    """Implements `Fetcher` over clients by address. An unreachable one is skipped, and not tried for a while.

    If a fetcher disappears during a fetch, the next one repeats it, on its own reservation. Raises
    `BadConfiguration` for no members.
    """

    def __init__(self, members: Mapping[str, Fetcher], clock: Clock | None = None) -> None:
        if not members:
            raise BadConfiguration("fetcher.service: name at least one address")
        self._members = dict(members)
        self._now_ms = (clock or Clock()).now_ms
        self._avoided: dict[str, float] = {}

    async def fetch(self, request: FetchRequest) -> FetchResult:
        """Like `Fetcher.fetch`; `BackendDown` if no fetcher can be reached."""
        begin = request.resume[-1].target if request.resume else request.url
        return await self._ask(begin, lambda fetcher: fetcher.fetch(request))

    async def explain(self, request: ExplainRequest) -> Explanation:
        """Like `Fetcher.explain`."""
        return await self._ask(request.url, lambda fetcher: fetcher.explain(request))

    async def _ask(self, url: str, ask: Callable[[Fetcher], Awaitable[T]]) -> T:
        last: BackendDown | None = None
        for address in self._order(_origin(url)):
            try:
                return await ask(self._members[address])
            except BackendDown as error:
                if error.details.get("address") != address:  # the fetcher answered: a backend behind it is down
                    raise
                self._avoided[address], last = self._now_ms() + _AVOIDED_MS, error
        assert last is not None, "there are members"
        raise last

    def _order(self, origin: str) -> list[str]:
        """By rank, those that were unreachable a moment ago last."""
        now_ms = self._now_ms()
        return sorted(ranking(origin, self._members), key=lambda address: self._avoided.get(address, 0.0) > now_ms)


def _origin(url: str) -> str:
    with suppress(InvalidUrl):
        return weburl.deciding_origin(weburl.split(url))
    return url
