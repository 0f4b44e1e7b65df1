from __future__ import annotations

import asyncio
import dataclasses
import logging
import ssl
import time

import pytest
from thrift.Thrift import TApplicationException

from tests.support.rpc_endpoints import (
    GRANT,
    Limiter,
    application_error,
    block,
    call,
    calling,
    closed,
    context,
    deaf,
    frame,
    given_up,
    load_of,
    raw,
    reserve,
    serving,
    until,
)
from thrift_idl.errors import BackendDown, BadConfiguration, DeadlineExceeded, InternalError, InvalidRequest, Overloaded
from thrift_idl.gen.ratelimiter import RateLimiter as service
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import (
    FeedbackRequest,
    Grant,
    Reservation,
    ReserveBatchRequest,
    ReserveRequest,
    StatusRequest,
)
from thrift_idl.rpc import Channel, RpcServer, ServerLimits
from thrift_idl.rpc.connection import Activity, overdue
from thrift_idl.rpc.message import CALL, EXCEPTION, REPLY, decode, encode, framed, read_header, write_header

RESERVE = call("reserve", service.reserve_args(reserve()))
RESERVATION = Reservation("example.org", "www.example.org")


async def test_every_method_answers_with_its_value() -> None:
    async with serving(Limiter()) as (_, port), calling(port) as client:
        assert await client.reserve(reserve()) == GRANT
        assert await client.reserve(request=reserve()) == GRANT
        assert await client.reserve_batch(ReserveBatchRequest(context(), (Reservation("a", "b"),) * 3)) == (GRANT,) * 3
        assert await client.feedback(FeedbackRequest(context(), "a", "b", 200)) is None  # type: ignore[func-returns-value]
        assert (await client.status(StatusRequest(context(), "a"))).limit == "4"


async def test_an_unknown_method_is_answered_as_such_and_the_connection_is_kept() -> None:
    async with serving(Limiter()) as (_, port), raw(port) as (reader, writer):
        writer.write(framed(write_header(CALL, b"__can__finagle__trace__v3__", 5) + b"\x00"))
        answer = await frame(reader)
        assert read_header(answer, EXCEPTION).sequence == 5
        assert application_error(answer)[0] == TApplicationException.UNKNOWN_METHOD
        writer.write(RESERVE)
        assert read_header(await frame(reader), REPLY).name == b"reserve"


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00", b"\x0c\x00\x01", b"\x0c\x00\x01\x00\x00", b"\x08\x00\x01\x00\x00\x00\x05\x00", b"\xff" * 50],
    ids=["nothing", "no argument", "cut", "no required field", "another type", "rubbish"],
)
async def test_arguments_that_cannot_be_read_are_a_protocol_error_and_the_connection_is_kept(body: bytes) -> None:
    limiter = Limiter()
    async with serving(limiter) as (_, port), raw(port) as (reader, writer):
        writer.write(framed(write_header(CALL, b"reserve", 9) + body))
        kind, error = application_error(await frame(reader))
        assert kind == TApplicationException.PROTOCOL_ERROR
        assert "reserve" in error.message
        assert limiter.calls == 0
        writer.write(RESERVE)
        assert read_header(await frame(reader), REPLY).name == b"reserve"


async def test_a_frame_with_too_many_values_is_a_protocol_error() -> None:
    limits = dataclasses.replace(ServerLimits(), frame_values=100)
    many = ReserveBatchRequest(context(), (Reservation("a", "b"),) * 101)
    async with serving(Limiter(), limits) as (_, port), calling(port) as client:
        with pytest.raises(InvalidRequest, match="too many values"):
            await client.reserve_batch(many)


CLIENT_HELLO = ssl.MemoryBIO()
with pytest.raises(ssl.SSLWantReadError):
    ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), CLIENT_HELLO, server_hostname="x.example").do_handshake()


@pytest.mark.parametrize(
    "spoken",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        CLIENT_HELLO.read(),
        framed(b"\x82\x21\x01\x07reserve" + b"\x00" * 9),
        framed(b'[1,"reserve",1,1,{}]'),
        b'[1,"reserve",1,1,{}]',
        b"\x80\x01\x00\x01\x00\x00\x00\x07reserve\x00\x00\x00\x01\x00",
        b"\x0f\xff\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00" * 4,
        framed(b"\x00\x00\x00\x07reserve\x01\x00\x00\x00\x01\x00"),
        b"\x00\x00\x00\x00",
    ],
    ids=["HTTP", "TLS", "compact", "JSON", "bare JSON", "unframed", "header", "not strict", "empty frame"],
)
async def test_other_protocols_are_refused_by_closing(spoken: bytes) -> None:
    limiter = Limiter()
    async with serving(limiter) as (_, port), raw(port) as (reader, writer):
        writer.write(spoken)
        assert await closed(reader)
        assert limiter.calls == 0


async def test_a_frame_beyond_the_limit_closes_the_connection_before_it_is_sent() -> None:
    limits = dataclasses.replace(ServerLimits(), frame_bytes=1000)
    async with serving(Limiter(), limits) as (_, port), raw(port) as (reader, writer):
        writer.write((1001).to_bytes(4, "big"))
        assert await closed(reader)


async def test_the_message_limit_bounds_a_frame_too() -> None:
    assert dataclasses.replace(ServerLimits(), message_bytes=500).largest_frame == 500
    assert ServerLimits().largest_frame == 16_384_000


async def test_answers_leave_as_they_are_ready_not_in_order() -> None:
    limiter = Limiter()
    async with serving(limiter) as (_, port), raw(port) as (reader, writer):
        writer.write(
            call("block", service.block_args(block()), 1) + call("reserve", service.reserve_args(reserve()), 2)
        )
        assert read_header(await frame(reader), REPLY).sequence == 2
        limiter.released.set()
        assert read_header(await frame(reader), REPLY).sequence == 1


async def test_many_calls_in_one_write_are_all_answered_in_turn() -> None:
    async with serving(Limiter()) as (_, port), raw(port) as (reader, writer):
        calls = (call("reserve", service.reserve_args(reserve()), sequence) for sequence in range(1000))
        writer.write(b"".join(calls))
        assert [read_header(await frame(reader), REPLY).sequence for _ in range(1000)] == list(range(1000))


async def test_calls_beyond_a_connections_bound_are_overloaded_and_others_go_on() -> None:
    limiter = Limiter()
    limits = dataclasses.replace(ServerLimits(), connection_calls=2)
    async with serving(limiter, limits) as (_, port), raw(port) as (reader, writer), calling(port) as other:
        writer.write(b"".join(call("block", service.block_args(block()), sequence) for sequence in range(3)))
        answer = await frame(reader)
        header = read_header(answer, REPLY)
        assert (header.sequence, decode(service.block_result, answer, header.start).failure.code) == (2, "overloaded")
        assert await other.reserve(reserve()) == GRANT
        limiter.released.set()


async def test_calls_beyond_the_servers_bound_are_overloaded_until_one_ends() -> None:
    limiter = Limiter()
    limits = dataclasses.replace(ServerLimits(), calls=1)
    async with serving(limiter, limits) as (server, port), calling(port) as one, calling(port) as other:
        blocked = asyncio.create_task(one.block(block()))
        await until(lambda: server.calls == 1)
        with pytest.raises(Overloaded):
            await other.reserve(reserve())
        limiter.released.set()
        await blocked
        assert await other.reserve(reserve()) == GRANT


async def test_frames_of_running_calls_are_bounded_in_bytes() -> None:
    limiter = Limiter()
    limits = dataclasses.replace(ServerLimits(), memory_bytes=1000)
    async with serving(limiter, limits) as (server, port), calling(port) as client:
        blocked = [asyncio.create_task(client.block(block())) for _ in range(40)]
        await until(lambda: any(task.done() for task in blocked))
        assert 0 < server.calls < 30
        limiter.released.set()
        ended = await asyncio.gather(*blocked, return_exceptions=True)
        assert {type(error) for error in ended} == {type(None), Overloaded}
        assert await client.reserve(reserve()) == GRANT


async def test_a_connection_beyond_the_bound_takes_the_place_of_the_one_heard_longest_ago() -> None:
    limits = dataclasses.replace(ServerLimits(), connections=2)
    async with serving(Limiter(), limits) as (server, port), raw(port) as first, raw(port) as second:
        for reader, writer in (second, first):
            writer.write(RESERVE)
            await frame(reader)
        async with raw(port) as (reader, writer):
            writer.write(RESERVE)
            assert read_header(await frame(reader), REPLY).name == b"reserve"
            assert await closed(second[0])
            assert server.connections == 2
            first[1].write(RESERVE)
            assert read_header(await frame(first[0]), REPLY).name == b"reserve"


async def test_where_every_connection_has_a_call_running_a_new_one_is_closed_at_once() -> None:
    limiter = Limiter()
    limits = dataclasses.replace(ServerLimits(), connections=1)
    async with serving(limiter, limits) as (_, port), raw(port) as (_, writer):
        writer.write(call("block", service.block_args(block())))
        await until(lambda: limiter.blocked == 1)
        async with raw(port) as (reader, _):
            assert await closed(reader)
        assert limiter.blocked == 1
        limiter.released.set()


async def test_answers_that_a_caller_leaves_unread_are_bounded_and_what_is_beyond_is_overloaded() -> None:
    limits = dataclasses.replace(ServerLimits(), connection_bytes=400_000, unsent_bytes=8 * 1024 * 1024)
    calls = 120  # their answers have twice the 4 MiB that the kernel takes of what nobody reads (tcp_wmem)
    many = call("reserve_batch", service.reserve_batch_args(ReserveBatchRequest(context(), (RESERVATION,) * 3000)))
    async with serving(Limiter(), limits) as (server, port), deaf(port) as (reader, writer):
        writer.write(many * calls)
        await until(lambda: load_of(server).bytes > 250_000)
        await writer.drain()
        codes = []
        for _ in range(calls):
            answer = await frame(reader)
            assert load_of(server).bytes < 600_000  # the bound, the answer that crossed it, and the refusals
            result = decode(service.reserve_batch_result, answer, read_header(answer, REPLY).start)
            codes.append(result.failure.code if result.failure else "")
        assert set(codes) == {"", "overloaded"}


async def test_a_turn_ends_in_time_where_its_calls_take_long() -> None:
    """One connection's 60 calls of 5 ms each: another's call doesn't wait for all of them."""
    limiter = Limiter()
    begun = []

    def take_long(request: ReserveRequest) -> Grant:
        begun.append(request.reservation.domain)
        if request.reservation.domain == "slow.example":
            time.sleep(0.005)
        return GRANT

    limiter.on_reserve = take_long
    slow = call("reserve", service.reserve_args(reserve("slow.example")))
    async with serving(limiter) as (_, port), raw(port) as (_, one), raw(port) as (reader, other):
        one.write(slow)
        await until(lambda: len(begun) == 1)
        one.write(slow * 60)
        await until(lambda: len(begun) > 1)
        other.write(RESERVE)
        await frame(reader)
        assert len(begun) < 30


async def test_a_handler_is_bounded_by_what_its_caller_has_left() -> None:
    limiter = Limiter()
    async with serving(limiter) as (server, port), raw(port) as (reader, writer):
        writer.write(call("block", service.block_args(block(remaining_ms=20))))
        answer = await frame(reader)
        failure = decode(service.block_result, answer, read_header(answer, REPLY).start).failure
        assert failure.code == DeadlineExceeded.code
        await until(lambda: server.calls == 0)
        assert limiter.cancelled == 1


async def test_a_handler_is_bounded_by_the_server_where_its_caller_names_nothing() -> None:
    limits = dataclasses.replace(ServerLimits(), call_ms=20)
    async with serving(Limiter(), limits) as (_, port), calling(port) as client:
        with pytest.raises(DeadlineExceeded):
            await client.block(block())


@pytest.mark.parametrize("remaining_ms", [0, -5])
async def test_a_call_that_arrives_too_late_reaches_no_handler(remaining_ms: int) -> None:
    limiter = Limiter()
    async with serving(limiter) as (_, port), raw(port) as (reader, writer):
        writer.write(call("reserve", service.reserve_args(reserve(remaining_ms=remaining_ms))))
        answer = await frame(reader)
        failure = decode(service.reserve_result, answer, read_header(answer, REPLY).start).failure
        assert failure.code == DeadlineExceeded.code
        assert limiter.calls == 0


async def test_handlers_of_a_caller_that_left_are_cancelled() -> None:
    limiter = Limiter()
    async with serving(limiter) as (server, port):
        async with raw(port) as (_, writer):
            writer.write(call("block", service.block_args(block())))
            await until(lambda: limiter.blocked == 1)
        await until(lambda: server.calls == 0)
        assert limiter.cancelled == 1


async def test_a_call_that_its_caller_gives_up_is_cancelled_and_no_other() -> None:
    limiter = Limiter()
    async with serving(limiter, cancellable=("block",)) as (server, port), raw(port) as (reader, writer):
        for sequence in (1, 2, 3):
            writer.write(call("block", service.block_args(block()), sequence))
        writer.write(given_up(2) + given_up(2) + given_up(7))
        await until(lambda: limiter.cancelled == 1)
        limiter.released.set()
        assert {read_header(await frame(reader), REPLY).sequence for _ in range(2)} == {1, 3}
        writer.write(RESERVE)
        assert read_header(await frame(reader), REPLY).name == b"reserve", "what was given up has no answer"
        assert server.calls == 0


async def test_a_call_that_is_to_be_finished_is_finished_though_its_caller_gives_it_up() -> None:
    limiter = Limiter()
    async with serving(limiter, cancellable=("reserve",)) as (_, port), raw(port) as (reader, writer):
        writer.write(call("block", service.block_args(block()), 1) + given_up(1) + RESERVE)
        await frame(reader)
        limiter.released.set()
        assert read_header(await frame(reader), REPLY).name == b"block"
        assert limiter.cancelled == 0


async def test_an_unforeseen_exception_is_logged_and_tells_its_caller_nothing_but_the_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limiter = Limiter()

    def fail(request: object) -> None:
        raise RuntimeError("password=hunter2")

    limiter.on_reserve = fail  # type: ignore[assignment]
    async with serving(limiter) as (_, port), raw(port) as (reader, writer):
        with caplog.at_level(logging.ERROR, "thrift_idl.rpc"):
            writer.write(RESERVE)
            answer = await frame(reader)
    assert b"hunter2" not in answer
    assert b"Traceback" not in answer
    failure = decode(service.reserve_result, answer, read_header(answer, REPLY).start).failure
    assert (failure.code, failure.details) == (InternalError.code, {"request_id": "request-1"})
    assert "hunter2" in caplog.text
    assert "request-1" in caplog.text


@pytest.mark.parametrize("value", [None, "no grant", 5])
async def test_a_handler_that_returns_another_type_is_an_internal_error(value: object) -> None:
    limiter = Limiter()
    limiter.on_reserve = lambda request: value  # type: ignore[assignment,return-value]
    async with serving(limiter) as (_, port), calling(port) as client:
        with pytest.raises(InternalError):
            await client.reserve(reserve())


async def test_an_answer_beyond_a_frame_is_an_internal_error_that_says_so() -> None:
    limits = dataclasses.replace(ServerLimits(), frame_bytes=5000)
    request = ReserveBatchRequest(context(), (Reservation("a", "b"),) * 150)
    async with serving(Limiter(), limits) as (_, port), calling(port) as client:
        with pytest.raises(InternalError, match="ask for less"):
            await client.reserve_batch(request)


async def test_a_taken_port_is_a_configuration_error_that_names_it() -> None:
    async with serving(Limiter()) as (_, port):
        with pytest.raises(BadConfiguration, match=f"port {port} of 127.0.0.1 is taken") as caught:
            await RpcServer(RateLimiter, Limiter()).start("127.0.0.1", port)
        assert caught.value.details["port"] == str(port)


async def test_an_address_that_is_not_ours_is_a_configuration_error() -> None:
    with pytest.raises(BadConfiguration, match=r"cannot listen on 192\.0\.2\.1"):
        await RpcServer(RateLimiter, Limiter()).start("192.0.2.1", 0)


async def test_a_service_without_one_of_the_methods_is_refused_at_start() -> None:
    with pytest.raises(AttributeError, match="reserve"):
        await RpcServer(RateLimiter, object()).start("127.0.0.1", 0)


async def test_draining_finishes_what_runs_refuses_what_is_new_and_closes() -> None:
    limiter = Limiter()
    server = RpcServer(RateLimiter, limiter)
    port = await server.start("127.0.0.1", 0)
    channel = Channel(f"127.0.0.1:{port}")
    client = channel.client(RateLimiter)
    running = [asyncio.create_task(client.block(block())) for _ in range(4)]
    await until(lambda: server.calls == 4)
    closing = asyncio.create_task(server.close(grace_ms=10_000))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="shutting down"):
        await client.reserve(reserve())
    limiter.released.set()
    assert await asyncio.gather(*running) == [None] * 4
    await closing
    assert server.connections == 0
    with pytest.raises(BackendDown):
        await client.reserve(reserve())
    await channel.close()


async def test_draining_ends_within_its_bound() -> None:
    limiter = Limiter()
    async with serving(limiter) as (server, port), calling(port) as client:
        running = asyncio.create_task(client.block(block()))
        await until(lambda: server.calls == 1)
        await server.close(grace_ms=20)
        with pytest.raises(BackendDown):
            await running
        await until(lambda: limiter.cancelled == 1)


NOW, LIMITS = 1000.0, ServerLimits(idle_ms=60_000, half_frame_ms=5_000, stall_ms=8_000)


@pytest.mark.parametrize(
    ("activity", "running", "why"),
    [
        (Activity(last=NOW), 0, None),
        (Activity(last=NOW - 59), 0, None),
        (Activity(last=NOW - 61), 0, "idle"),
        (Activity(last=NOW - 61), 1, None),
        (Activity(last=NOW, half_since=NOW - 4), 0, None),
        (Activity(last=NOW, half_since=NOW - 6), 3, "its frame wasn't whole in time"),
        (Activity(last=NOW, stalled_since=NOW - 7), 3, None),
        (Activity(last=NOW, stalled_since=NOW - 9), 3, "it reads no answers"),
    ],
)
def test_what_a_connection_is_cut_for(activity: Activity, running: int, why: str | None) -> None:
    assert overdue(activity, running, NOW, LIMITS) == why


def test_encoded_arguments_are_what_the_generated_client_sends() -> None:
    assert encode(service.reserve_args(reserve()))[:3] == b"\x0c\x00\x01"
