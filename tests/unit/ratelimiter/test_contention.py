from __future__ import annotations

import asyncio

import pytest

from tests.support.contested_state import ContestedState
from tests.support.limiter_requests import START_MS, Clock, Heard, assert_spaced, limiter, reserve


@pytest.mark.parametrize("seed", range(5))
async def test_a_thousand_tasks_over_a_state_that_loses_at_random_never_share_a_slot(seed: int) -> None:
    clock, state = Clock(), ContestedState(seed, losses=0.5, interval_ms=4, now_ms=START_MS)
    service = await limiter(clock, state, qps=250)
    grants = await asyncio.gather(*(reserve(service) for _ in range(1_000)))
    granted = sorted(START_MS + grant.wait_ms for grant in grants if grant.granted)
    assert state.lost > 0
    assert 20 < len(granted) < 251
    assert_spaced(state.slots, 4)
    assert set(granted) <= set(state.slots)
    assert all(grant.retry_after_ms > 0 for grant in grants if not grant.granted)


async def test_a_reservation_that_always_loses_is_refused_after_a_bounded_number_of_tries() -> None:
    clock, heard = Clock(), Heard()
    state = ContestedState(1, losses=1.0, interval_ms=1, now_ms=START_MS)
    service = await limiter(clock, state, qps=1_000, telemetry=heard)
    grant = await reserve(service)
    assert (grant.granted, grant.reason) == (False, "no_slot")
    assert (state.lost, heard.contentions) == (32, ["example.com"])


async def test_a_crawl_delay_of_a_reservation_that_lost_doesnt_hold_up_its_retry() -> None:
    clock, state = Clock(), ContestedState(2, losses=0.5, interval_ms=100, now_ms=START_MS)
    service = await limiter(clock, state)
    slots = []
    for _ in range(50):
        grant = await reserve(service, crawl_delay_ms=150)
        if grant.granted:
            slots.append(clock.now_ms + grant.wait_ms)
        clock.advance(300)
    assert state.lost > 0
    assert len(slots) >= 45
    assert_spaced(slots, 150)
