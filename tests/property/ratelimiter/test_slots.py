from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimiter import FileState, next_slot
from ratelimiter.next_slot import MAX_WAIT_MS, NEVER
from tests.support.examples import examples
from tests.support.limiter_requests import (
    ROUNDING_MS,
    Clock,
    answer,
    assert_promise,
    assert_spaced,
    block,
    limiter,
    reserve,
    status_of,
)

CLOCK_STEPS = st.one_of(st.just(0.0), st.floats(0, 50), st.floats(0, 5_000), st.floats(0, 86_400_000))
QPS = st.sampled_from([0.2, 1, 3, 10, 30, 300, 1_000])


@given(
    st.lists(st.tuples(CLOCK_STEPS, st.integers(0, 2_000)), min_size=1, max_size=150),
    QPS,
)
def test_slots_of_a_domain_keep_their_interval_however_the_clock_steps_forward(
    steps: list[tuple[float, int]], qps: float
) -> None:
    async def run() -> list[float]:
        clock, slots = Clock(), []
        service = await limiter(clock, qps=qps)
        for step_ms, max_wait_ms in steps:
            clock.advance(step_ms)
            grant = await reserve(service, max_wait_ms=max_wait_ms)
            assert grant.interval_ms == 1_000 / qps
            if grant.granted:
                assert 0 <= grant.wait_ms <= min(max_wait_ms, MAX_WAIT_MS)
                slots.append(clock.now_ms + grant.wait_ms)
            else:
                assert 0 < grant.retry_after_ms <= next_slot.HORIZON_MS
        return slots

    assert_spaced(asyncio.run(run()), 1_000 / qps)


@given(st.lists(st.tuples(CLOCK_STEPS, st.sampled_from([None, 0, 150, 1_000, 5_000])), min_size=1, max_size=100))
def test_the_larger_of_two_callers_intervals_lies_between_their_slots(steps: list[tuple[float, int | None]]) -> None:
    async def run() -> list[tuple[float, float]]:
        clock, slots = Clock(), []
        service = await limiter(clock)
        for step_ms, crawl_delay_ms in steps:
            clock.advance(step_ms)
            grant = await reserve(service, crawl_delay_ms=crawl_delay_ms)
            if grant.granted:
                slots.append((clock.now_ms + grant.wait_ms, grant.interval_ms))
        return slots

    for (earlier, its_interval), (later, interval) in pairwise(asyncio.run(run())):
        assert later - earlier >= max(its_interval, interval) - ROUNDING_MS


EVENTS = st.one_of(
    st.just(("reserve",)),
    st.just(("restart",)),
    st.tuples(st.just("answer"), st.sampled_from([0, 200, 404, 429, 503]), st.sampled_from([None, 0, 700, 90_000])),
    st.tuples(st.just("block"), st.sampled_from([0, 500, 90_000])),
)


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(CLOCK_STEPS, EVENTS), min_size=1, max_size=80), st.sampled_from([1, 10, 100]))
def test_no_window_exceeds_the_promise_whatever_answers_blocks_and_restarts_come_between(
    steps: list[tuple[float, tuple[object, ...]]], qps: float
) -> None:
    async def run(directory: Path) -> list[float]:
        clock, slots = Clock(), []
        state = await FileState.open(directory, clock, boot=bytes(16), rotate_bytes=200)
        service = await limiter(clock, state, qps=qps)
        for step_ms, (event, *arguments) in steps:
            clock.advance(step_ms)
            if event == "restart":
                await state.close()
                state = await FileState.open(directory, clock, boot=bytes(16), rotate_bytes=200)
                service = await limiter(clock, state, qps=qps)
            elif event == "answer":
                await answer(service, *arguments)  # type: ignore[arg-type]
            elif event == "block":
                await block(service, *arguments)  # type: ignore[arg-type]
            else:
                standing = await status_of(service)
                for _ in range(5):
                    grant = await reserve(service)
                    if grant.granted:
                        assert grant.wait_ms >= max(standing.held_ms, standing.blocked_ms) - ROUNDING_MS
                        slots.append(clock.now_ms + grant.wait_ms)
        await state.close()
        return slots

    with TemporaryDirectory() as directory:
        slots = asyncio.run(run(Path(directory)))
    assert_spaced(slots, 1_000 / qps)
    assert_promise(slots, qps)


@given(
    now=st.floats(0, 1e12),
    last=st.one_of(st.just(NEVER), st.floats(0, 1e12)),
    interval=st.floats(1, 86_400_000),
    not_before=st.one_of(st.just(NEVER), st.floats(0, 1e12)),
    cursor=st.one_of(st.just(NEVER), st.floats(0, 1e12)),
)
def test_a_refused_caller_is_always_sent_into_the_future_and_never_for_good(
    now: float, last: float, interval: float, not_before: float, cursor: float
) -> None:
    first = next_slot.slot_ms(now, last, interval, not_before)
    assert first >= now
    if first - now > MAX_WAIT_MS and first - now < next_slot.HORIZON_MS:
        moved = next_slot.next_cursor_ms(now, min(cursor, now + next_slot.HORIZON_MS), first, interval, not_before)
        retry = next_slot.retry_after_ms(now, moved, MAX_WAIT_MS)
        assert 0 < retry <= max(now, not_before) + next_slot.HORIZON_MS - now
