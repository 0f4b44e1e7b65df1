"""CPU time of one request, keep-alive: our transport, our fetcher, and httpx's own pool. `python -m benchmarks.fetch`.

The origin is a process of its own; only this process's CPU time counts. Hosts are many and map to one loopback port.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import resource
import time
from collections.abc import Awaitable, Callable, Sequence

import httpx
import uvloop

import weburl
from fetcher.addresses import AddressPolicy
from fetcher.budget import Budget
from fetcher.clock import Clock
from fetcher.requester import request_headers
from fetcher.resolver import Endpoint, MappedResolver, SystemResolver
from fetcher.robots.cache import MemoryRobotsCache
from fetcher.service import FetcherService
from fetcher.settings import FetcherSettings
from fetcher.transport import Exchange, GuardedTransport
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchRequest
from thrift_idl.gen.ratelimiter.ttypes import Grant

GRANT = Grant(True, 0.0, 0.0, 1.0)
Run = Callable[[int], Awaitable[None]]


class AlwaysGrants:
    max_wait_ms = 1000

    async def reserve(self, request: object = None) -> Grant:
        return GRANT

    async def wait(self) -> None: ...

    async def feedback(self, request: object) -> None: ...

    async def reserve_batch(self, request: object) -> tuple[Grant, ...]:
        return ()

    async def status(self, request: object) -> None: ...

    async def block(self, request: object) -> None: ...


class Page(asyncio.Protocol):
    """Answers every request at once."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer * data.count(b"\r\n\r\n"))  # type: ignore[attr-defined]


def serve(port: multiprocessing.Queue[int], size: int) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {size}\r\n"
    head += 'Date: Tue, 09 Nov 2010 14:49:00 GMT\r\nServer: bench\r\nCache-Control: max-age=60\r\nETag: "abc"\r\n'
    Page.answer = head.encode() + b"\r\n" + b"<p>hello, bench. " * (size // 17) + b" " * (size % 17)

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Page, "127.0.0.1", 0, backlog=1024)
        port.put(server.sockets[0].getsockname()[1])
        await asyncio.sleep(3600)

    uvloop.run(main())


async def measured(name: str, run: Run, hosts: int, requests: int, at_once: int) -> None:
    """Warm up each host, then count CPU over `requests`."""
    turns = iter(range(requests))

    async def worker() -> None:
        for turn in turns:
            await run(turn % hosts)

    for host in range(hosts):
        await run(host)
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:32} {cpu / requests * 1e6:8.0f} µs CPU/request {requests / wall:8.0f} /s  {peak:5.0f} MiB")


def by_transport(transport: GuardedTransport, urls: Sequence[str], port: int) -> Run:
    """Our transport alone, as the fetcher calls it."""
    split, endpoints = [weburl.split(url) for url in urls], (Endpoint("127.0.0.1", port),)
    origins = [httpx.URL(url).join("/") for url in urls]
    clock, slot = Clock(), AlwaysGrants()
    headers = request_headers("Aragog/0.1", "text/html")

    async def one(host: int) -> None:
        exchange = Exchange(split[host], endpoints, slot, Budget(30_000, None, clock))
        request = httpx.Request("GET", origins[host], headers=headers, extensions={"exchange": exchange})
        response = await transport.handle_async_request(request)
        async for _ in response.stream:  # type: ignore[union-attr]
            pass

    return one


def by_fetcher(service: FetcherService, urls: Sequence[str]) -> Run:
    """The whole fetcher: address, robots and reservation of each hop."""
    context = Context("bench")

    async def one(host: int) -> None:
        await service.fetch(FetchRequest(context=context, url=urls[host]))

    return one


def by_httpx(client: httpx.AsyncClient, hosts: int, port: int) -> Run:
    """httpx as it comes. One origin, the hosts named in a header: its pool knows no other way to one port."""
    named = [{"Host": f"h{n}.test"} for n in range(hosts)]

    async def one(host: int) -> None:
        response = await client.get(f"http://127.0.0.1:{port}/page?n={host}", headers=named[host])
        assert response.status_code == 200

    return one


async def bench(port: int, arguments: argparse.Namespace) -> None:
    urls = [f"http://h{n}.test:{port}/page?n={n}" for n in range(arguments.hosts)]
    transport = GuardedTransport()
    service = FetcherService(
        limiter=AlwaysGrants(),  # type: ignore[arg-type]
        resolver=MappedResolver({"*.test": Endpoint("127.0.0.1", port)}, SystemResolver()),
        transport=transport,
        robots_cache=MemoryRobotsCache(),
        settings=FetcherSettings(),
        policy=AddressPolicy.of(["*.test"]),
    )
    rounds = (arguments.hosts, arguments.requests, arguments.at_once)
    await measured("transport (httpx types)", by_transport(transport, urls, port), *rounds)
    await measured("fetcher (all guards)", by_fetcher(service, urls), *rounds)
    await service.close()
    async with httpx.AsyncClient() as client:
        fewer = (arguments.hosts, arguments.requests // 10, arguments.at_once)
        await measured("httpx AsyncClient, one origin", by_httpx(client, arguments.hosts, port), *fewer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=128)
    parser.add_argument("--size", type=int, default=65_536)
    arguments = parser.parse_args()
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(port, arguments.size), daemon=True)
    server.start()
    try:
        uvloop.run(bench(port.get(timeout=10), arguments))
    finally:
        server.kill()


if __name__ == "__main__":
    main()
