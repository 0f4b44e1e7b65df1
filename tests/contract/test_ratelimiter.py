"""What every state and every way to the service must do alike: memory and files, called directly and through Thrift."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ratelimiter import FileState, MemoryState, StateBackend
from ratelimiter.rules import MAX_WAIT_MS
from ratelimiter.service import MAX_BATCH
from ratelimiter.state import state_key
from tests.unit.ratelimiter.steps import (
    CONTEXT,
    START_MS,
    Clock,
    answer,
    assert_spaced,
    block,
    limiter,
    reserve,
    standing_of,
    wish,
)
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest, ReserveRequest
from thrift_idl.rpc import Channel, RpcServer

A, B = state_key("a.com"), state_key("b.com")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "file"])
async def state(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[StateBackend]:
    if request.param == "memory":
        yield MemoryState()
        return
    clock.now_ms -= 1_000  # a new directory starts a moment later
    files = await FileState.open(tmp_path, clock, boot=bytes(16), rotate_bytes=500)
    clock.now_ms = START_MS
    yield files
    await files.close()


@pytest.fixture(params=["direct", "thrift"])
async def service(request: pytest.FixtureRequest, state: StateBackend, clock: Clock) -> AsyncIterator[RateLimiter]:
    direct = await limiter(clock, state)
    if request.param == "direct":
        yield direct
        return
    server = RpcServer(RateLimiter, direct)
    channel = Channel(f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
    yield channel.client(RateLimiter)
    await channel.close()
    await server.close()


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
    assert (await standing_of(service)).held_ms == 5_000
    clock.advance(5_000)
    assert (await reserve(service)).granted


async def test_a_block_is_seen_and_lifted(service: RateLimiter) -> None:
    await block(service, 5_000)
    assert (await reserve(service)).reason == "blocked"
    assert (await standing_of(service)).blocked_ms == 5_000
    await block(service, 0)
    assert (await reserve(service)).granted


async def test_status_tells_the_next_slot(service: RateLimiter, clock: Clock) -> None:
    for _ in range(3):
        await reserve(service)
    clock.advance(50)
    status = await standing_of(service)
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
        await standing_of(service, "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5])
async def test_a_direct_caller_cant_slip_in_a_number_that_is_none(clock: Clock, value: float) -> None:
    service = await limiter(clock)
    for bad in (Reservation("example.com", "h", value), Reservation("example.com", "h", None, value)):  # type: ignore[arg-type]
        with pytest.raises(InvalidRequest):
            await service.reserve(ReserveRequest(CONTEXT, bad))
