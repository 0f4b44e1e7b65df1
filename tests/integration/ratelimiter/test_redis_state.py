"""A Redis as the limiter's state: several shards over it, its clock and ours set, its script forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from ratelimiter import LimitsInForce, RateLimiterService
from ratelimiter.backends.redis import RedisState
from ratelimiter.next_slot import MAX_WAIT_MS
from ratelimiter.state import state_key
from runtime.clock import monotonic_ms
from tests.support.limiter_requests import START_MS, Clock, assert_spaced, limiter, reserve
from tests.support.shared_clocks import SameTime

QPS, INTERVAL_MS = 250.0, 4.0
SHARDS = 4
CLOCK_TOLERANCE_MS = 3.0


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def opened(closing: AsyncExitStack, url: str, clock: Clock) -> RedisState:
    state = await RedisState.open(url, clock, SameTime())
    closing.push_async_callback(state.close)
    return state


class Granted:
    """A `StateBackend` that remembers the slots which were set, in the order in which it learnt of them."""

    def __init__(self, state: RedisState, slots: list[float]) -> None:
        self._state = state
        self._slots = slots
        self.get = state.get
        self.close = state.close
        self.lost = 0

    async def compare_and_set(
        self, keys: tuple[int, ...], expected: tuple[float, ...], wanted: tuple[float, ...]
    ) -> tuple[float, ...]:
        found = await self._state.compare_and_set(keys, expected, wanted)
        if found == expected:
            self._slots.append(wanted[0])
        else:
            self.lost += 1
        return found


async def test_four_shards_that_all_believe_they_own_a_domain_never_share_a_slot(
    redis_durable_url: str, closing: AsyncExitStack
) -> None:
    clock, slots = Clock(START_MS - 2 * MAX_WAIT_MS), list[float]()
    states = [Granted(await opened(closing, redis_durable_url, clock), slots) for _ in range(SHARDS)]
    clock.now_ms = START_MS
    services = [await limiter(clock, state, qps=QPS) for state in states]
    grants = await asyncio.gather(*(reserve(services[number % SHARDS]) for number in range(1_000)))
    assert sum(state.lost for state in states) >= SHARDS - 1, "all begin with the same state, and one wins"
    granted = sorted(clock.now_ms + grant.wait_ms for grant in grants if grant.granted)
    assert granted == sorted(slots)
    assert_spaced(granted, INTERVAL_MS)
    assert 100 < len(granted) <= MAX_WAIT_MS / INTERVAL_MS + 1


async def test_what_a_shard_granted_another_one_knows(redis_durable_url: str, closing: AsyncExitStack) -> None:
    clock = Clock(START_MS - 2 * MAX_WAIT_MS)
    states = [await opened(closing, redis_durable_url, clock) for _ in range(2)]
    clock.now_ms = START_MS
    first, second = [await limiter(clock, state) for state in states]
    assert [(await reserve(first)).wait_ms for _ in range(5)] == [0, 100, 200, 300, 400]
    assert [(await reserve(second)).wait_ms for _ in range(2)] == [500, 600]


async def test_a_shard_that_starts_grants_nothing_for_the_longest_wait(
    redis_durable_url: str, closing: AsyncExitStack
) -> None:
    clock = Clock()
    service = await limiter(clock, await opened(closing, redis_durable_url, clock))
    assert not (await reserve(service)).granted
    clock.advance(MAX_WAIT_MS)
    assert (await reserve(service)).wait_ms == 100


async def test_a_time_that_cant_be_is_no_block(redis_durable_url: str, closing: AsyncExitStack) -> None:
    clock = Clock(START_MS - 2 * MAX_WAIT_MS)
    state = await opened(closing, redis_durable_url, clock)
    clock.now_ms = START_MS
    async with Redis.from_url(redis_durable_url) as redis:
        await redis.set(f"slot:{state_key('example.com'):016x}", round((START_MS + 3_600_000) * 1_000))
    service = await limiter(clock, state)
    assert not (await reserve(service)).granted
    clock.advance(MAX_WAIT_MS)
    assert (await reserve(service)).wait_ms == 100


async def test_slots_are_forgotten_when_they_no_longer_matter(redis_durable_url: str, closing: AsyncExitStack) -> None:
    clock = Clock(START_MS - 2 * MAX_WAIT_MS)
    service = await limiter(clock, await opened(closing, redis_durable_url, clock))
    clock.now_ms = START_MS
    await reserve(service)
    async with Redis.from_url(redis_durable_url) as redis:
        (key,) = await redis.keys("slot:*")
        assert 24 * 3_600_000 < await redis.pttl(key) <= 25 * 3_600_000


@pytest.mark.parametrize("jump_ms", [3_600_000.0, -3_600_000.0])
async def test_clocks_that_jump_apart_by_an_hour_neither_block_nor_burst(
    redis_durable_url: str, closing: AsyncExitStack, jump_ms: float
) -> None:
    """Ours is the one that can be set here; what counts is the distance of the two."""
    jumped = 0.0

    def now_ms() -> float:
        return monotonic_ms() + jumped

    state = await RedisState.open(redis_durable_url, now_ms)
    closing.push_async_callback(state.close)
    service = RateLimiterService(state, await LimitsInForce.open(), now_ms)
    earliest, latest = list[float](), list[float]()  # of each slot, as precisely as its caller can tell
    while len(latest) <= 40:
        if not jumped and len(latest) > 15:
            jumped = jump_ms
        asked = monotonic_ms()
        grant = await reserve(service)
        if grant.granted:
            earliest.append(asked + grant.wait_ms)
            latest.append(monotonic_ms() + grant.wait_ms)
        else:
            await asyncio.sleep(0.02)
    assert earliest[16] - latest[15] < 60_000, "the jump of an hour holds up nobody for long"
    assert all(late - early >= 100 - CLOCK_TOLERANCE_MS for early, late in zip(earliest, latest[1:], strict=False))
