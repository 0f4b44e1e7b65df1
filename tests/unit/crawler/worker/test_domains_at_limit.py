"""Jobs of a domain that has no slot left get their places at once; everybody else is visited. With the real limiter."""

from __future__ import annotations

from itertools import pairwise

import pytest

from crawler.worker.domains_at_limit import MAX_WAIT_MS, DomainsAtLimit
from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from ratelimiter.overrides import limit_of_qps
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.ttypes import FeedbackRequest, Reservation, ReserveRequest

HOT = "http://www.hot.test/1"
CONTEXT = Context("test")
SLOTS = 6  # 10 QPS: now, and five more within the longest wait


class World:
    """A limiter and what stands before it, on one clock."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.limiter = RateLimiterService(MemoryState(), LimitsInForce(limit_of_qps(10)), now_ms=lambda: self.now)
        self.at_limit = DomainsAtLimit(self.limiter, "test", now_ms=lambda: self.now)

    async def take_every_slot(self) -> None:
        for _ in range(SLOTS):
            wish = Reservation("hot.test", "www.hot.test", max_wait_ms=MAX_WAIT_MS)
            assert (await self.limiter.reserve(ReserveRequest(CONTEXT, wish))).granted
        self.at_limit.had_no_slot(HOT)


@pytest.fixture
def world() -> World:
    return World()


async def test_nothing_is_delayed_before_a_visit_had_no_slot(world: World) -> None:
    assert await world.at_limit.delays([HOT] * 50) == [0] * 50


async def test_jobs_of_a_domain_without_slots_come_back_one_interval_apart(world: World) -> None:
    await world.take_every_slot()
    delays = await world.at_limit.delays([HOT] * 20)
    assert delays[0] > 0
    assert [later - sooner for sooner, later in pairwise(delays)] == [100] * 19


async def test_each_comes_back_half_the_longest_wait_before_its_slot(world: World) -> None:
    await world.take_every_slot()
    (delay,) = await world.at_limit.delays([HOT])
    assert delay == 100 * SLOTS - MAX_WAIT_MS // 2


async def test_other_domains_and_what_is_no_url_are_visited(world: World) -> None:
    await world.take_every_slot()
    delays = await world.at_limit.delays(["http://cool.test/", HOT, "http://[broken"])
    assert delays[0] == delays[2] == 0 < delays[1]


async def test_as_many_are_visited_as_have_slots_again(world: World) -> None:
    await world.take_every_slot()
    world.now += 300
    delays = await world.at_limit.delays([HOT] * 10)
    assert delays.count(0) == 3 and all(delays[3:])


async def test_a_domain_is_left_alone_some_time_after_the_last_refusal(world: World) -> None:
    await world.take_every_slot()
    world.now += 5_000
    assert await world.at_limit.delays([HOT] * 10) == [0] * 10


async def test_a_held_domain_says_so_to_each_visit(world: World) -> None:
    await world.take_every_slot()
    await world.limiter.feedback(FeedbackRequest(CONTEXT, "hot.test", "www.hot.test", 429, 60_000))
    assert await world.at_limit.delays([HOT] * 5) == [0] * 5
