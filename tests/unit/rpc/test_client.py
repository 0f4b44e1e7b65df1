from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator

import pytest

from tests.support.rpc_endpoints import GRANT, Limiter, block, calling, frame, reserve, serving, until
from thrift_idl.errors import BackendDown, DeadlineExceeded, InternalError, InvalidRequest
from thrift_idl.gen.ratelimiter import RateLimiter as service
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Grant, Reservation, ReserveRequest
from thrift_idl.rpc import Channel, ClientLimits, RpcServer
from thrift_idl.rpc.client_connection import ClientConnectionPool
from thrift_idl.rpc.message import CALL, REPLY, decode, encode, framed, read_header, write_header

ONE = ClientLimits(connections=1)


class Odd:
    """A server of the tests' own: hands each frame to `answer`, which returns the bytes to send, or None."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.opened = 0
        self.answers: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                self.frames.append(await frame(reader))
                if self.answers:
                    writer.write(self.answers.pop(0))
        writer.close()


@contextlib.asynccontextmanager
async def odd() -> AsyncIterator[tuple[Odd, int]]:
    server = Odd()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    try:
        yield server, listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


def reply(sequence: int, body: bytes | None = None) -> bytes:
    body = encode(service.reserve_result(success=GRANT)) if body is None else body
    return framed(write_header(REPLY, b"reserve", sequence) + body)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_client_is_made_without_a_server_and_fails_typed_until_there_is_one() -> None:
    port = free_port()
    channel = Channel(f"127.0.0.1:{port}")
    client = channel.client(RateLimiter)
    with pytest.raises(BackendDown, match=f"no connection to 127.0.0.1:{port}"):
        await client.reserve(reserve())
    server = RpcServer(RateLimiter, Limiter())
    await server.start("127.0.0.1", port)
    assert await client.reserve(reserve()) == GRANT
    await channel.close()
    await server.close(0)


@pytest.mark.parametrize("address", ["", "x", "x:", ":1", "x:0", "x:70000", "x:y"])
async def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidRequest):
        Channel(address)


async def test_calls_of_many_callers_share_few_connections() -> None:
    async with serving(Limiter()) as (server, port), calling(port, ClientLimits(connections=3)) as client:
        answers = await asyncio.gather(*(client.reserve(reserve(f"{i}.example")) for i in range(500)))
        assert answers == [GRANT] * 500
        assert server.connections == 3


async def test_each_caller_gets_the_answer_to_its_own_call() -> None:
    limiter = Limiter()
    limiter.on_reserve = lambda request: granted(float(request.reservation.domain))
    async with serving(limiter) as (_, port), calling(port) as client:
        answers = await asyncio.gather(*(client.reserve(reserve(str(i))) for i in range(300)))
        assert [grant.wait_ms for grant in answers] == [float(i) for i in range(300)]


def granted(wait_ms: float) -> Grant:
    return Grant(True, wait_ms, 0.0, 100.0)


async def test_a_call_without_answer_ends_at_its_deadline() -> None:
    async with odd() as (server, port), calling(port, dataclasses.replace(ONE, deadline_ms=30)) as client:
        with pytest.raises(DeadlineExceeded, match="30 ms"):
            await client.reserve(reserve())
        assert len(server.frames) == 1


async def test_a_smaller_remaining_time_of_the_request_wins() -> None:
    async with odd() as (_, port), calling(port, ONE) as client:
        with pytest.raises(DeadlineExceeded):
            await client.reserve(reserve(remaining_ms=30))
        with pytest.raises(DeadlineExceeded):
            await client.reserve(reserve(remaining_ms=0))


async def test_the_deadline_counts_while_no_connection_comes_about() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        async with calling(deaf.getsockname()[1], dataclasses.replace(ONE, deadline_ms=50)) as client:
            with pytest.raises(DeadlineExceeded):
                await client.reserve(reserve())
        for one in crowd:
            one.close()


async def test_a_late_answer_is_dropped_and_the_next_call_gets_its_own() -> None:
    async with odd() as (server, port), calling(port, ONE) as client:
        first = asyncio.create_task(client.reserve(reserve()))
        await until(lambda: len(server.frames) == 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        late, own = (read_header(server.frames[0], CALL).sequence, 2)
        server.answers = [reply(late, encode(service.reserve_result(success=granted(99.0)))) + reply(own)]
        assert await client.reserve(reserve()) == GRANT
        assert server.opened == 1


@pytest.mark.parametrize("deadline_ms", [30, 30_000])
async def test_a_call_given_up_is_cancelled_at_a_server_that_may_and_the_connection_stays(deadline_ms: int) -> None:
    limiter = Limiter()
    limits = dataclasses.replace(ONE, deadline_ms=deadline_ms)
    async with serving(limiter, cancellable=("block",)) as (server, port), calling(port, limits) as client:
        waiting = asyncio.create_task(client.block(block()))
        await until(lambda: limiter.blocked == 1)
        await client.reserve(reserve())  # the server is heard: a deadline that passes ends no connection
        if deadline_ms > 30:
            waiting.cancel()
        with pytest.raises((asyncio.CancelledError, DeadlineExceeded)):
            await waiting
        await until(lambda: limiter.cancelled == 1)
        assert await client.reserve(reserve()) == GRANT
        assert server.connections == 1


async def test_cancelled_calls_leave_nothing_behind() -> None:
    limiter = Limiter()
    limits = ClientLimits(connections=1, connection_calls=8)
    async with serving(limiter) as (server, port):
        channel = Channel(f"127.0.0.1:{port}", limits)
        client = channel.client(RateLimiter)
        for _ in range(5):
            tasks = [asyncio.create_task(client.block(block())) for _ in range(20)]
            await until(lambda: server.calls >= 8)
            for task in tasks:
                task.cancel()
            assert all(
                isinstance(e, asyncio.CancelledError) for e in await asyncio.gather(*tasks, return_exceptions=True)
            )
            limiter.released.set()
            await until(lambda: server.calls == 0)
            limiter.released.clear()
        links = [link for link in channel._pool._links if link is not None]
        assert [link.in_flight for link in links] == [0]
        assert channel._slots._value == 8
        assert await client.reserve(reserve()) == GRANT
        await channel.close()


async def test_calls_beyond_the_bound_wait_for_their_turn() -> None:
    limiter = Limiter()
    limits = ClientLimits(connections=1, connection_calls=4)
    async with serving(limiter) as (server, port), calling(port, limits) as client:
        tasks = [asyncio.create_task(client.block(block())) for _ in range(10)]
        await until(lambda: server.calls == 4)
        with pytest.raises(DeadlineExceeded):
            await client.reserve(reserve(remaining_ms=30))
        assert server.calls == 4
        limiter.released.set()
        await asyncio.gather(*tasks)


async def test_a_broken_connection_fails_its_calls_and_sends_none_again() -> None:
    limiter = Limiter()
    port = free_port()
    server = RpcServer(RateLimiter, limiter)
    await server.start("127.0.0.1", port)
    async with calling(port, ONE) as client:
        tasks = [asyncio.create_task(client.block(block())) for _ in range(3)]
        await until(lambda: server.calls == 3)
        await server.close(grace_ms=0)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(error) for error in ended} == {BackendDown}
        again = RpcServer(RateLimiter, limiter)
        await again.start("127.0.0.1", port)
        assert await client.reserve(reserve()) == GRANT
        assert limiter.calls == 4
        await again.close(0)


async def test_a_connection_silent_beyond_a_deadline_is_replaced() -> None:
    async with odd() as (server, port), calling(port, dataclasses.replace(ONE, deadline_ms=30)) as client:
        for _ in range(2):
            with pytest.raises(DeadlineExceeded):
                await client.reserve(reserve())
        assert server.opened == 2


async def test_a_connection_unused_for_long_is_replaced_before_use() -> None:
    async with serving(Limiter()) as (_, port):
        channel = Channel(f"127.0.0.1:{port}", dataclasses.replace(ONE, idle_ms=1))
        client = channel.client(RateLimiter)
        await client.reserve(reserve())
        first = channel._pool._links[0]
        await asyncio.sleep(0.01)
        assert await client.reserve(reserve()) == GRANT
        assert channel._pool._links[0] is not first
        await channel.close()


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", framed(b"\x82\x21\x01\x07reserve"), b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00"],
)
async def test_a_server_that_speaks_otherwise_is_down(answer: bytes) -> None:
    async with odd() as (server, port), calling(port, ONE) as client:
        server.answers = [answer]
        with pytest.raises(BackendDown, match="no framed binary Thrift"):
            await client.reserve(reserve())


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"\x0c\x00\x00\x00\x00", b"\xff\xff\xff", b"\x0f\x00\x63\x0c\x7f\xff\xff\xff"]
)
async def test_an_answer_that_cannot_be_read_is_an_internal_error_and_the_connection_is_kept(body: bytes) -> None:
    async with odd() as (server, port), calling(port, ONE) as client:
        server.answers = [reply(1, body), reply(2)]
        with pytest.raises(InternalError):
            await client.reserve(reserve())
        assert await client.reserve(reserve()) == GRANT
        assert server.opened == 1


async def test_a_request_that_cannot_be_encoded_or_exceeds_a_frame_is_the_callers_mistake() -> None:
    async with serving(Limiter()) as (_, port), calling(port, dataclasses.replace(ONE, frame_bytes=1000)) as client:
        with pytest.raises(InvalidRequest, match="a frame holds 1000"):
            await client.reserve(reserve("x" * 1000))
        with pytest.raises(InvalidRequest, match="can't be encoded"):
            await client.reserve(ReserveRequest(reserve().context, "no reservation"))  # type: ignore[arg-type]
        with pytest.raises(InvalidRequest, match="host"):
            await client.reserve(ReserveRequest(reserve().context, Reservation("a", None)))  # type: ignore[arg-type]
        assert await client.reserve(reserve()) == GRANT


async def test_a_closed_channel_fails_what_is_in_flight_and_what_comes_later() -> None:
    async with serving(Limiter()) as (server, port):
        channel = Channel(f"127.0.0.1:{port}")
        client = channel.client(RateLimiter)
        running = asyncio.create_task(client.block(block()))
        await until(lambda: server.calls == 1)
        await channel.close()
        for call in (running, client.reserve(reserve())):
            with pytest.raises(BackendDown):
                await call


async def test_the_time_that_waiting_took_is_taken_off_what_the_server_is_told() -> None:
    async with odd() as (server, port), calling(port, ONE) as client:
        with pytest.raises(DeadlineExceeded):
            await client.reserve(reserve(remaining_ms=40))
        header = read_header(server.frames[0], CALL)
        told = decode(service.reserve_args, server.frames[0], header.start).request.context.remaining_ms
        assert 0 < told <= 40


def test_an_ipv6_address_is_told_as_it_was_given() -> None:
    assert ClientConnectionPool("::1", 9101, ClientLimits()).address == "[::1]:9101"
