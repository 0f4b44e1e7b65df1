"""Pages from the web for a command that stores nothing: the fetcher of `aragog fetch`, opened at the first use."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Self

from aragog.cli.command_context import context
from runtime.wait_budget import WaitBudget
from thrift_idl.errors import Deferred
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import FetchRequest, FetchResult, Hop


class PoliteFetcher:
    """Fetches with the robots.txt cache, limits and policy of the settings; owns the data directory meanwhile."""

    def __init__(self, patience_ms: int, lock_wait_ms: int) -> None:
        self._patience_ms = patience_ms
        self._lock_wait_ms = lock_wait_ms
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._fetcher: Fetcher | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def fetch(self, url: str) -> FetchResult:
        """The page at the end of `url`'s redirects. A deferred one is tried again, within our own patience.

        Raises the error of the fetch.
        """
        fetcher, resume, patience = await self._opened(), tuple[Hop, ...](), WaitBudget(self._patience_ms)
        while True:
            try:
                return await fetcher.fetch(FetchRequest(context(), url, resume=resume))
            except Deferred as error:
                if not await patience.wait(error.delay_ms):
                    raise
                from thrift_idl.redirect_chain import chain_of  # noqa: PLC0415 - msgspec is 40 ms of a filter's start

                resume = chain_of(error)

    async def _opened(self) -> Fetcher:
        async with self._opening:
            if self._fetcher is None:
                self._fetcher = await self._open()
            return self._fetcher

    async def _open(self) -> Fetcher:
        # A command that only reads files needs neither these nor settings.
        from aragog.assembly.fetching import fetcher_of  # noqa: PLC0415
        from aragog.assembly.limiting import limiter_of  # noqa: PLC0415
        from aragog.data_directory_lock import owned  # noqa: PLC0415
        from aragog.settings import load  # noqa: PLC0415
        from drivers.owner_lock import Locks  # noqa: PLC0415

        settings, locks = load(), Locks()
        if settings.fetches_here:
            locked = owned(settings.data_path, self._lock_wait_ms, lambda _: None)
            locks.add(await self._stack.enter_async_context(locked))
        limiter = await self._stack.enter_async_context(limiter_of(settings, locks))
        return await self._stack.enter_async_context(fetcher_of(settings, limiter, locks))
