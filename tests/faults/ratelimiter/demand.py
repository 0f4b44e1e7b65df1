"""More fetches than the limits allow: for every domain so many callers, who come back when they are told to."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence

from thrift_idl.errors import AragogError, Deferred
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import FetchRequest

CALLERS = 16
DOWN_S = 0.2
DELAYED_MS = 20.0


class Demand:
    """Callers over several fetchers; counts what became of their fetches."""

    def __init__(self, fetchers: Sequence[Fetcher], domains: Sequence[str]) -> None:
        self.counts: Counter[str] = Counter()
        self._numbers = itertools.count()
        self._tasks = [
            asyncio.create_task(self._calling(fetchers[number % len(fetchers)], domain))
            for domain in domains
            for number in range(CALLERS)
        ]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _calling(self, fetcher: Fetcher, domain: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            url = f"http://www.{domain}/{next(self._numbers)}"
            began = loop.time()
            try:
                await fetcher.fetch(FetchRequest(Context("demand"), url))
            except Deferred as error:
                self.counts[error.code] += 1
                await asyncio.sleep(error.delay_ms / 1_000)
            except AragogError as error:
                self.counts[error.code] += 1
                await asyncio.sleep(DOWN_S)
            else:
                self.counts["fetched"] += 1
                self.counts["delayed"] += loop.time() - began > DELAYED_MS / 1_000
