"""After an answer that asks for patience, slots granted before it aren't used: embedded, and over Thrift."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from tests.support.loopback_fetcher import asked, fetching
from tests.support.raw_origin import NOT_FOUND, origin, reply
from thrift_idl.errors import HostHeld, RetryAfter
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.rpc import Channel, RpcServer


@pytest.fixture(params=["direct", "thrift"])
async def limiter(request):
    service = RateLimiterService(MemoryState(), await LimitsInForce.open(default_qps=10))
    if request.param == "direct":
        yield service
        return
    async with AsyncExitStack() as stack:
        server = RpcServer(RateLimiter, service)
        channel = Channel(f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
        stack.push_async_callback(server.close)
        stack.push_async_callback(channel.close)
        yield channel.client(RateLimiter)


@pytest.mark.parametrize("status", ["429", "503"])
async def test_slots_granted_before_an_answer_that_holds_the_domain_are_not_used(limiter, status) -> None:
    patience = reply(int(status), b"", "Retry-After: 60")
    async with (
        origin({"/robots.txt": NOT_FOUND, "/": reply(200, b"<p>"), "/busy": patience}) as web,
        fetching(web.port, limiter=limiter) as (fetcher, _),
    ):
        hosts = [f"h{number}.owner.test" for number in range(10)]
        for host in hosts:  # robots.txt of each
            await fetcher.fetch(asked(f"http://{host}/", max_wait_ms=60_000))
        begun = len(web.targets())
        paths = ["busy", *[""] * 9]
        fetches = (fetcher.fetch(asked(f"http://{h}/{path}")) for h, path in zip(hosts, paths, strict=True))
        ended = await asyncio.gather(*fetches, return_exceptions=True)
    later = web.targets()[begun:]
    # Those sent within the 50 ms that a late slot may be used in, on a machine that stalled, were under way already.
    assert later[0] == "/busy" and len(later) <= 2
    assert type(ended[0]) is RetryAfter
    assert sum(type(each) is HostHeld for each in ended) >= 8
