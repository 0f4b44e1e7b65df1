"""Many fetches at once, each result as soon as it is ready: a slow host never delays the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

from thrift_idl.errors import AragogError
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import FetchRequest, FetchResult

AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Fetched:
    """The end of one fetch of a batch: a result, or an error of the tree."""

    request: FetchRequest
    result: FetchResult | None = None
    error: AragogError | None = None


async def fetch_batch(
    fetcher: Fetcher, requests: Iterable[FetchRequest], at_once: int = AT_ONCE
) -> AsyncIterator[Fetched]:
    """Fetch `requests`, at most `at_once` of them at a time, and yield each as it ends.

    With a client of the service the calls are pipelined on its connections. Requests are taken from the iterable
    while there is room, so it may be endless. Leaving the iteration (`aclose`) cancels running fetches. An error that
    isn't of the tree is raised.
    """
    waiting: Iterator[FetchRequest] = iter(requests)
    under_way: set[asyncio.Task[Fetched]] = set()
    try:
        while True:
            while len(under_way) < at_once and (request := next(waiting, None)) is not None:
                under_way.add(asyncio.ensure_future(_one(fetcher, request)))
            if not under_way:
                return
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _one(fetcher: Fetcher, request: FetchRequest) -> Fetched:
    try:
        return Fetched(request, await fetcher.fetch(request))
    except AragogError as error:
        return Fetched(request, error=error)
