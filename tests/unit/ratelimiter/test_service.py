from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from ratelimiter.next_slot import HORIZON_MS, MAX_WAIT_MS
from runtime.durations import DAY_MS
from tests.support.limiter_requests import (
    CONTEXT,
    START_MS,
    Clock,
    Heard,
    answer,
    assert_spaced,
    block,
    limiter,
    reserve,
    status_of,
    wish,
)
from thrift_idl.gen.ratelimiter.ttypes import FeedbackRequest, ReserveBatchRequest


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_refused_callers_of_a_busy_domain_come_back_one_interval_apart_and_all_get_a_slot(clock: Clock) -> None:
    service = await limiter(clock)
    grants = [await reserve(service) for _ in range(31)]
    refused = [grant for grant in grants if not grant.granted]
    assert [round(grant.retry_after_ms) for grant in refused] == [600 + 100 * n for n in range(20)]
    for number, grant in enumerate(refused):
        clock.now_ms = START_MS + grant.retry_after_ms
        again = await reserve(service)
        assert again.granted
        assert clock.now_ms + again.wait_ms == pytest.approx(START_MS + 1_100 + 100 * number)


async def test_a_refusal_moves_no_slot(clock: Clock) -> None:
    service = await limiter(clock)
    for _ in range(1_000):
        await reserve(service)
    clock.advance(1_100)
    assert (await reserve(service)).wait_ms == 0


async def test_a_shorter_wait_is_honoured_and_a_longer_one_is_capped(clock: Clock) -> None:
    service = await limiter(clock)
    assert (await reserve(service, max_wait_ms=0)).granted
    assert not (await reserve(service, max_wait_ms=99)).granted
    assert (await reserve(service, max_wait_ms=100)).granted
    grants = [await reserve(service, max_wait_ms=3_600_000) for _ in range(50)]
    assert max(grant.wait_ms for grant in grants) <= MAX_WAIT_MS
    assert not grants[-1].granted


async def test_one_domain_doesnt_wait_for_another(clock: Clock) -> None:
    service = await limiter(clock)
    for _ in range(20):
        await reserve(service, "busy.com")
    assert (await reserve(service, "quiet.com")).wait_ms == 0


async def test_a_caller_that_doesnt_know_the_crawl_delay_respects_the_one_of_the_last_grant(clock: Clock) -> None:
    service = await limiter(clock)
    await reserve(service, crawl_delay_ms=5_000)
    clock.advance(100)
    early = await reserve(service)
    assert not early.granted
    assert early.reason == "no_slot"
    clock.advance(4_100)
    late = await reserve(service)
    assert (late.granted, late.wait_ms) == (True, 800)


async def test_a_caller_with_a_crawl_delay_keeps_it_from_a_last_grant_that_had_none(clock: Clock) -> None:
    service = await limiter(clock)
    await reserve(service)
    clock.advance(100)
    early = await reserve(service, crawl_delay_ms=5_000)
    assert not early.granted
    assert early.retry_after_ms == 5_000 - 100 - MAX_WAIT_MS / 2


async def test_callers_with_the_same_crawl_delay_get_one_slot_each_delay(clock: Clock) -> None:
    service, slots = await limiter(clock), []
    for _ in range(300):
        grant = await reserve(service, crawl_delay_ms=2_000)
        if grant.granted:
            slots.append(clock.now_ms + grant.wait_ms)
        clock.advance(100)
    assert_spaced(slots, 2_000)
    assert len(slots) == 16


async def test_after_a_crawl_delay_is_gone_the_limit_holds_again(clock: Clock) -> None:
    service = await limiter(clock)
    await reserve(service, crawl_delay_ms=2_000)
    clock.advance(2_000)
    assert [(await reserve(service)).wait_ms for _ in range(3)] == [0, 100, 200]


async def test_a_429_holds_the_domain_for_everyone_and_no_burst_follows(clock: Clock) -> None:
    heard = Heard()
    service = await limiter(clock, telemetry=heard)
    await answer(service, 429, 30_000)
    refusals = [await reserve(service) for _ in range(50)]
    assert {grant.reason for grant in refusals} == {"held"}
    assert [round(grant.retry_after_ms) for grant in refusals[:3]] == [29_500, 29_600, 29_700]
    assert (await status_of(service)).held_ms == 30_000
    clock.advance(30_000)
    assert [round((await reserve(service)).wait_ms) for _ in range(3)] == [0, 100, 200]
    assert heard.holds == [("example.com", 429, 30_000)]


async def test_a_hold_that_ends_within_the_callers_wait_grants_the_slot_after_it(clock: Clock) -> None:
    service = await limiter(clock)
    await answer(service, 503, 700)
    assert [round((await reserve(service)).wait_ms) for _ in range(2)] == [700, 800]


async def test_a_flood_of_429s_makes_nothing_faster_and_holds_a_minute_only(clock: Clock) -> None:
    service = await limiter(clock)
    for _ in range(100):
        await answer(service, 429)
    assert (await status_of(service)).held_ms == 60_000


async def test_503_from_two_urls_hold_the_domain_and_one_url_tried_twice_doesnt(clock: Clock) -> None:
    service = await limiter(clock)
    for key in (b"a" * 16, b"a" * 16):
        await service.feedback(FeedbackRequest(CONTEXT, "example.com", "example.com", 503, url_key=key))
    assert (await status_of(service)).held_ms == 0
    await service.feedback(FeedbackRequest(CONTEXT, "example.com", "example.com", 503, url_key=b"b" * 16))
    status = await status_of(service)
    assert (status.held_ms, status.held_status, status.next_hold_ms) == (60_000, 503, 120_000)
    assert (await reserve(service)).reason == "held"


async def test_a_bad_override_file_shows_in_the_status_until_it_is_mended(clock: Clock, tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text('[domains."slow.com"]\nqps = 2\n')
    service = await limiter(clock, overrides=file)
    file.write_text('[domains."slow.com"]\nqps = none\n')
    clock.advance(1_000)
    status = await status_of(service, "slow.com")
    assert status.interval_ms == 500
    assert "line 2" in status.limits_error
    file.write_text('[domains."slow.com"]\nqps = 4\n')
    clock.advance(1_000)
    status = await status_of(service, "slow.com")
    assert (status.interval_ms, status.limits_error) == (250, "")


async def test_a_lone_503_holds_nothing(clock: Clock) -> None:
    service = await limiter(clock)
    await answer(service, 503)
    assert (await reserve(service)).granted


async def test_a_block_refuses_until_it_ends_or_is_lifted(clock: Clock) -> None:
    service = await limiter(clock)
    await block(service, 60_000)
    assert (await reserve(service)).reason == "blocked"
    assert (await status_of(service)).blocked_ms == 60_000
    await block(service, 0)
    assert (await reserve(service)).granted
    await block(service, 10 * DAY_MS)
    assert (await status_of(service)).blocked_ms == DAY_MS


async def test_an_override_that_blocks_grants_nothing_ever(clock: Clock, tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text('[domains."example.com"]\nblocked = true\n')
    service = await limiter(clock, overrides=file)
    for _ in range(5):
        refused = await reserve(service)
        assert (refused.granted, refused.reason) == (False, "blocked")
        assert refused.retry_after_ms >= HORIZON_MS - MAX_WAIT_MS
        clock.advance(refused.retry_after_ms)
    status = await status_of(service)
    assert (status.limit, status.blocked_ms) == ('domains."example.com"', HORIZON_MS)


async def test_status_says_which_limit_won_and_takes_no_slot(clock: Clock, tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text('[domains."slow.com"]\nqps = 2\n')
    service = await limiter(clock, overrides=file)
    await reserve(service, "slow.com")
    for _ in range(3):
        status = await status_of(service, "slow.com")
        assert (status.limit, status.interval_ms, status.next_slot_ms) == ('domains."slow.com"', 500, 500)
    assert (await status_of(service)).limit == "default"


async def test_a_batch_is_answered_in_order(clock: Clock) -> None:
    service = await limiter(clock)
    wishes = tuple(wish(domain) for domain in ("a.com", "b.com", "a.com"))
    grants = await service.reserve_batch(ReserveBatchRequest(CONTEXT, wishes))
    assert [grant.wait_ms for grant in grants] == [0, 0, 100]


async def test_the_wall_clock_plays_no_part(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    service, slots = await limiter(clock), []
    for jump_s in (0, 3_600, -3_600, 0):
        monkeypatch.setattr(time, "time", lambda jump_s=jump_s: 1.8e9 + jump_s)
        slots += [clock.now_ms + (await reserve(service)).wait_ms for _ in range(2)]
    assert slots == [START_MS + 100 * n for n in range(8)]


async def test_a_thousand_tasks_reserving_one_domain_never_share_a_slot(clock: Clock) -> None:
    service = await limiter(clock, qps=1_000)
    grants = await asyncio.gather(*(reserve(service) for _ in range(1_000)))
    assert all(grant.granted for grant in grants)
    assert_spaced(sorted(grant.wait_ms for grant in grants), 1)
