"""One client's share of `benchmarks.fetch`, in a process of its own: prints CPU, p99 and memory as JSON.

`python benchmarks/fetch_clients.py CLIENT URLS-FILE REQUESTS AT-ONCE`; aiohttp and Scrapy run in an environment of
theirs, so that nothing of ours is imported before it is known that it is ours.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

One = Callable[[str], Awaitable[int]]


async def fetcher(stack: AsyncExitStack, authority: str) -> One:
    """The whole fetcher: address, robots, reservation of each hop, httpx's types in its path."""
    from benchmarks.fetch_limiter import AlwaysGrants
    from fetcher.addresses import AddressPolicy
    from fetcher.resolver import SystemResolver
    from fetcher.robots.cache import MemoryRobotsCache
    from fetcher.service import FetcherService
    from fetcher.transport import GuardedTransport
    from fetcher.transport.tls import verifying_context
    from thrift_idl.gen.context.ttypes import Context
    from thrift_idl.gen.fetcher.ttypes import FetchRequest

    context = verifying_context()
    context.load_verify_locations(authority)
    service = FetcherService(
        limiter=AlwaysGrants(),  # type: ignore[arg-type]
        resolver=SystemResolver(),
        transport=GuardedTransport(tls=context),
        robots_cache=MemoryRobotsCache(),
        policy=AddressPolicy.of(["127.0.0.0/8"]),
    )
    stack.push_async_callback(service.close)
    asked = Context("bench")

    async def one(url: str) -> int:
        return len((await service.fetch(FetchRequest(context=asked, url=url))).content)

    return one


async def httpx(stack: AsyncExitStack, authority: str) -> One:
    """httpx as it comes."""
    import httpx

    context = ssl.create_default_context(cafile=authority)
    client = await stack.enter_async_context(httpx.AsyncClient(verify=context, timeout=120))

    async def one(url: str) -> int:
        return len((await client.get(url)).content)

    return one


async def aiohttp(stack: AsyncExitStack, authority: str) -> One:
    """aiohttp without its limits."""
    import aiohttp

    context = ssl.create_default_context(cafile=authority)
    connector = aiohttp.TCPConnector(limit=0, ssl=context)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

    async def one(url: str) -> int:
        async with session.get(url) as response:
            return len(await response.read())

    return one


CLIENTS = {"fetcher": fetcher, "httpx": httpx, "aiohttp": aiohttp}


async def measured(one: One, urls: list[str], requests: int, at_once: int, size: int) -> dict[str, float]:
    """Warm up each host, then count CPU over `requests`."""
    turns, times = iter(range(requests)), []

    async def worker() -> None:
        for turn in turns:
            began = time.perf_counter()
            assert await one(urls[turn % len(urls)]) == size
            times.append(time.perf_counter() - began)

    for url in urls:
        await one(url)
    gc.collect()
    gc.freeze()  # for every client, as our servers do: runtime/memory.py
    gc.set_threshold(20_000, 20, 100)
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    p99 = sorted(times)[int(len(times) * 0.99)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_us": cpu / requests * 1e6, "per_s": requests / wall, "p99_ms": p99 * 1000, "peak_mib": peak}


async def main(client: str, plan: str, requests: int, at_once: int) -> None:
    told = json.loads(Path(plan).read_text())
    async with AsyncExitStack() as stack:
        one = await CLIENTS[client](stack, told["authority"])
        print(json.dumps(await measured(one, told["urls"], requests, at_once, told["size"])))


if __name__ == "__main__":
    import uvloop

    sys.path[0] = str(Path(__file__).parents[1])  # httpx and aiohttp are found where they are installed
    client, plan, requests, at_once = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if client == "scrapy":
        from benchmarks.fetch_scrapy import run  # starts a loop of its own

        run(plan, requests, at_once, measured)
    else:
        uvloop.run(main(client, plan, requests, at_once))
