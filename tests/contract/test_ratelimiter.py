"""The contract of every state and every way to the service: memory, files, Redis; direct, Thrift, the pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from aragog.assembly.clients import ShardChannel
from ratelimiter import FileState, LimitsInForce, MemoryState, RateLimiterService, StateBackend
from ratelimiter.backends.redis import RedisState
from ratelimiter.checks import MAX_BATCH
from ratelimiter.next_slot import MAX_WAIT_MS
from ratelimiter.pool import PooledRateLimiter, ShardOwnership
from ratelimiter.pool.ring import owners, ring_slot
from ratelimiter.state import state_key
from tests.support.engines import REDIS
from tests.support.limiter_requests import (
    CONTEXT,
    START_MS,
    Clock,
    answer,
    assert_spaced,
    block,
    limiter,
    reserve,
    status_of,
    wish,
)
from tests.support.shared_clocks import SameTime
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest, ReserveRequest
from thrift_idl.rpc import Channel, RpcServer

A, B = state_key("a.com"), state_key("b.com")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "file", REDIS])
async def state(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[StateBackend]:
    if request.param == "memory":
        yield MemoryState()
        return
    clock.now_ms -= 1_000 + MAX_WAIT_MS  # a new state starts a moment later
    opened: StateBackend
    if request.param == "file":
        opened = await FileState.open(tmp_path, clock, boot=bytes(16), rotate_bytes=500)
    else:
        opened = await RedisState.open(request.getfixturevalue("redis_durable_url"), clock, SameTime())
    clock.now_ms = START_MS
    yield opened
    await opened.close()


@pytest.fixture(params=["direct", "thrift", "pool"])
async def service(
    request: pytest.FixtureRequest, state: StateBackend, clock: Clock, tmp_path: Path
) -> AsyncIterator[RateLimiter]:
    if request.param == "direct":
        yield await limiter(clock, state)
        return
    async with AsyncExitStack() as stack:
        if request.param == "thrift":
            yield (await _served(stack, await limiter(clock, state)))[1]
        else:
            yield await _pooled(stack, state, clock, tmp_path)


async def _served(stack: AsyncExitStack, service: RateLimiterService) -> tuple[str, RateLimiter]:
    server = RpcServer(RateLimiter, service)
    address = f"127.0.0.1:{await server.start('127.0.0.1', 0)}"
    stack.push_async_callback(server.close)
    channel = Channel(address)
    stack.push_async_callback(channel.close)
    return address, channel.client(RateLimiter)


async def _pooled(stack: AsyncExitStack, state: StateBackend, clock: Clock, directory: Path) -> RateLimiter:
    """Two shards behind a client, the one that owns example.com over `state`."""
    clock.now_ms -= 10_000  # long enough ago to have settled
    place = owners(("a", "b"))[ring_slot("example.com")]
    addresses = {}
    for number, name in enumerate("ab"):
        hold = await ShardOwnership.open(name, membership(directory / "shards.toml", {"a": "a:1", "b": "b:1"}), clock)
        stack.push_async_callback(hold.close)
        shard = RateLimiterService(
            state if number == place else MemoryState(), await LimitsInForce.open(), clock, ownership=hold
        )
        addresses[name] = (await _served(stack, shard))[0]
    clock.now_ms += 10_000
    pool = await PooledRateLimiter.open(membership(directory / "pool.toml", addresses), connect)
    stack.push_async_callback(pool.close)
    return pool


def membership(path: Path, addresses: dict[str, str]) -> Path:
    shards = "".join(f'[[shards]]\nname = "{name}"\naddress = "{at}"\n' for name, at in addresses.items())
    path.write_text("version = 1\n" + shards)
    return path


def connect(address: str) -> ShardChannel:
    return ShardChannel(address, 5_000)


async def test_a_state_answers_what_was_set(state: StateBackend) -> None:
    found = await state.get((A, B))
    assert max(found) <= START_MS - 1_000
    assert await state.compare_and_set((A,), found[:1], (START_MS,)) == found[:1]
    assert await state.get((A, B)) == (START_MS, found[1])


async def test_a_compare_and_set_with_an_old_time_changes_nothing_and_answers_the_present_one(
    state: StateBackend,
) -> None:
    found = await state.get((A,))
    await state.compare_and_set((A,), found, (START_MS,))
    assert await state.compare_and_set((A,), found, (START_MS + 5,)) == (START_MS,)
    assert await state.get((A,)) == (START_MS,)


async def test_several_keys_are_set_together_or_not_at_all(state: StateBackend) -> None:
    found = await state.get((A, B))
    await state.compare_and_set((A,), found[:1], (START_MS,))
    assert await state.compare_and_set((A, B), found, (START_MS + 1, START_MS + 2)) == (START_MS, found[1])
    assert await state.get((A, B)) == (START_MS, found[1])
    present = (START_MS, found[1])
    assert await state.compare_and_set((A, B), present, (START_MS + 1, START_MS + 2)) == present
    assert await state.get((A, B)) == (START_MS + 1, START_MS + 2)


async def test_slots_are_one_interval_apart_until_the_longest_wait(service: RateLimiter) -> None:
    grants = [await reserve(service) for _ in range(20)]
    assert [round(grant.wait_ms, 3) for grant in grants if grant.granted] == [100 * n for n in range(11)]
    assert {(grant.reason, grant.interval_ms) for grant in grants[11:]} == {("no_slot", 100)}
    assert all(grant.retry_after_ms >= MAX_WAIT_MS / 2 for grant in grants[11:])


async def test_a_thousand_reservations_at_once_get_different_slots(service: RateLimiter, clock: Clock) -> None:
    grants = await asyncio.gather(*(reserve(service) for _ in range(1_000)))
    assert_spaced(sorted(grant.wait_ms for grant in grants if grant.granted), 100)
    assert sum(grant.granted for grant in grants) == 11
    places = sorted(grant.retry_after_ms for grant in grants if not grant.granted)
    assert_spaced(places, 100)


async def test_an_idle_domain_earns_no_burst(service: RateLimiter, clock: Clock) -> None:
    await reserve(service)
    clock.advance(3_600_000)
    assert [round((await reserve(service)).wait_ms, 3) for _ in range(3)] == [0, 100, 200]


async def test_a_batch_of_many_domains_is_answered_in_order(service: RateLimiter) -> None:
    wishes = tuple(wish(f"d{number % 100}.com") for number in range(300))
    grants = await service.reserve_batch(ReserveBatchRequest(CONTEXT, wishes))
    assert [round(grant.wait_ms, 3) for grant in grants] == [100 * (number // 100) for number in range(300)]


async def test_a_hold_is_seen_and_kept(service: RateLimiter, clock: Clock) -> None:
    await answer(service, 429, 5_000)
    assert (await reserve(service)).reason == "held"
    assert (await status_of(service)).held_ms == 5_000
    clock.advance(5_000)
    assert (await reserve(service)).granted


async def test_a_block_is_seen_and_lifted(service: RateLimiter) -> None:
    await block(service, 5_000)
    assert (await reserve(service)).reason == "blocked"
    assert (await status_of(service)).blocked_ms == 5_000
    await block(service, 0)
    assert (await reserve(service)).granted


async def test_status_tells_the_next_slot(service: RateLimiter, clock: Clock) -> None:
    for _ in range(3):
        await reserve(service)
    clock.advance(50)
    status = await status_of(service)
    assert (status.interval_ms, status.next_slot_ms, status.limit) == (100, 250, "default")
    assert (status.held_ms, status.blocked_ms) == (0, 0)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("domain", Reservation("", "h")),
        ("domain", Reservation("x" * 254, "h")),
        ("domain", Reservation("Example.com", "h")),
        ("domain", Reservation("example.com.", "h")),
        ("domain", Reservation("exämple.com", "h")),
        ("host", Reservation("example.com", "h" * 254)),
        ("crawl_delay_ms", Reservation("example.com", "h", -1)),
        ("crawl_delay_ms", Reservation("example.com", "h", 2**62)),
        ("max_wait_ms", Reservation("example.com", "h", None, -1)),
    ],
)
async def test_a_reservation_that_makes_no_sense_is_refused_by_field_and_takes_no_slot(
    service: RateLimiter, field: str, bad: Reservation
) -> None:
    with pytest.raises(InvalidRequest, match=field):
        await service.reserve(ReserveRequest(CONTEXT, bad))
    with pytest.raises(InvalidRequest, match=field):
        await service.reserve_batch(ReserveBatchRequest(CONTEXT, (wish(), bad)))
    assert (await reserve(service)).wait_ms == 0


async def test_a_batch_has_a_bound(service: RateLimiter) -> None:
    with pytest.raises(InvalidRequest, match=str(MAX_BATCH)):
        await service.reserve_batch(ReserveBatchRequest(CONTEXT, (wish(),) * (MAX_BATCH + 1)))


async def test_feedback_blocks_and_status_that_make_no_sense_are_refused(service: RateLimiter) -> None:
    with pytest.raises(InvalidRequest, match="for_ms"):
        await block(service, -1)
    with pytest.raises(InvalidRequest, match="status"):
        await answer(service, -429)
    with pytest.raises(InvalidRequest, match="retry_after_ms"):
        await answer(service, 429, -5)
    with pytest.raises(InvalidRequest, match="domain"):
        await answer(service, 429, domain="")
    with pytest.raises(InvalidRequest, match="domain"):
        await status_of(service, "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5])
async def test_a_direct_caller_cant_slip_in_a_number_that_is_none(clock: Clock, value: float) -> None:
    service = await limiter(clock)
    for bad in (Reservation("example.com", "h", value), Reservation("example.com", "h", None, value)):  # type: ignore[arg-type]
        with pytest.raises(InvalidRequest):
            await service.reserve(ReserveRequest(CONTEXT, bad))
