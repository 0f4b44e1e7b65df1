"""Callers that send by drops, never read, leave in the middle or come in crowds: others are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from tests.support.rpc_endpoints import GRANT, Limiter, call, calling, closed, context, raw, reserve, serving, until
from thrift_idl.gen.ratelimiter import RateLimiter as service
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest
from thrift_idl.rpc import ClientLimits, ServerLimits

ONE = ClientLimits(connections=1)
RESERVE = call("reserve", service.reserve_args(reserve()))
BATCH = call(
    "reserve_batch",
    service.reserve_batch_args(ReserveBatchRequest(context(), (Reservation("a", "b"),) * 500)),
)


@contextlib.asynccontextmanager
async def served_meanwhile(client: RateLimiter) -> AsyncIterator[None]:
    """Another caller calls all the while; its every call is answered, and there were some."""
    served = 0

    async def go_on() -> None:
        nonlocal served
        while True:
            assert await client.reserve(reserve()) == GRANT
            served += 1
            await asyncio.sleep(0.002)

    other = asyncio.create_task(go_on())
    try:
        yield
        before = served
        await until(lambda: served > before or other.done())
    finally:
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
    assert other.cancelled()


async def test_a_frame_sent_by_drops_is_cut_off_in_time_however_busy_it_looks() -> None:
    limits = dataclasses.replace(ServerLimits(), half_frame_ms=150)
    async with (
        serving(Limiter(), limits) as (_, port),
        calling(port, ONE) as client,
        served_meanwhile(client),
        raw(port) as (reader, writer),
    ):

        async def drip() -> None:
            for byte in RESERVE[:-1] * 1000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert await closed(reader)
        dripping.cancel()


async def test_half_a_frame_and_then_silence_is_cut_off_and_its_bytes_are_given_back() -> None:
    limits = dataclasses.replace(ServerLimits(), half_frame_ms=100)
    async with serving(Limiter(), limits) as (server, port), raw(port) as (reader, writer):
        writer.write((10_000_000).to_bytes(4, "big") + b"x" * 500_000)
        assert await closed(reader)
        await until(lambda: server.connections == 0)
        assert server._dispatcher is not None
        assert server._dispatcher.load.bytes == 0


async def test_half_frames_of_many_callers_together_stay_within_the_memory_bound() -> None:
    limits = dataclasses.replace(ServerLimits(), memory_bytes=2_000_000)
    async with (
        serving(Limiter(), limits) as (server, port),
        calling(port, ONE) as other,
        contextlib.AsyncExitStack() as stack,
    ):
        assert server._dispatcher is not None
        load, most = server._dispatcher.load, 0
        for _ in range(10):
            _, writer = await stack.enter_async_context(raw(port))
            writer.write((10_000_000).to_bytes(4, "big") + b"x" * 500_000)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(0.02)
            most = max(most, load.bytes)
        assert 500_000 < most <= 2_000_000
        assert server.connections < 10
        assert await other.reserve(reserve()) == GRANT


async def test_an_idle_connection_is_closed_a_busy_one_is_not() -> None:
    limiter = Limiter()
    limits = dataclasses.replace(ServerLimits(), idle_ms=100)
    async with serving(limiter, limits) as (server, port), raw(port) as (_, writer), raw(port) as (reader, _):
        from tests.support.rpc_endpoints import block

        writer.write(call("block", service.block_args(block())))
        assert await closed(reader)
        await asyncio.sleep(0.2)
        assert server.connections == 1
        limiter.released.set()


async def test_a_caller_that_never_reads_is_read_no_more_and_then_cut_off() -> None:
    limiter = Limiter()
    limits = dataclasses.replace(ServerLimits(), unsent_bytes=64 * 1024, stall_ms=300)
    async with serving(limiter, limits) as (server, port), calling(port, ONE) as client, served_meanwhile(client):
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, ("127.0.0.1", port))
        sending = asyncio.create_task(loop.sock_sendall(deaf, BATCH * 4000))  # 40 MB in, 80 MB of answers out
        await until(lambda: server.connections == 2)
        ended = await asyncio.gather(sending, return_exceptions=True)
        assert isinstance(ended[0], ConnectionError)
        await until(lambda: server.connections == 1)
        assert server._dispatcher is not None
        assert server._dispatcher.load.bytes == 0
        deaf.close()


async def test_a_slow_reader_gets_every_answer() -> None:
    limits = dataclasses.replace(ServerLimits(), unsent_bytes=64 * 1024)
    async with serving(Limiter(), limits) as (_, port), raw(port) as (reader, writer):
        writer.write(BATCH * 400)
        answered = 0
        while answered < 400:
            length = int.from_bytes(await reader.readexactly(4), "big")
            await reader.readexactly(length)
            answered += 1
            if answered % 100 == 0:
                await asyncio.sleep(0.05)


async def misbehave(port: int, chance: random.Random) -> None:
    """Come, perhaps say a part of something, perhaps wait for an answer, leave without a word."""
    with contextlib.suppress(ConnectionError):
        async with raw(port) as (reader, writer):
            what = chance.choice([b"", RESERVE[:3], RESERVE[:20], RESERVE, RESERVE * 3, b"GET / HTTP/1.1\r\n\r\n"])
            writer.write(what)
            if chance.random() < 0.3:
                await reader.read(4)


async def test_a_thousand_callers_come_and_go_while_another_is_served() -> None:
    chance = random.Random(7)
    limits = dataclasses.replace(ServerLimits(), half_frame_ms=300, idle_ms=60_000)
    async with serving(Limiter(), limits) as (server, port), calling(port, ONE) as client, served_meanwhile(client):
        for _ in range(50):
            await asyncio.wait_for(asyncio.gather(*(_bounded(misbehave(port, chance)) for _ in range(20))), timeout=60)
        await until(lambda: server.connections <= 2)
        assert server._dispatcher is not None
        assert server._dispatcher.load.bytes == 0
        assert server.calls == 0


async def _bounded(call: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(call, 0.05)
