from __future__ import annotations

from pathlib import Path

from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from tests.support.limiter_requests import Clock, answer, reserve, status_of


async def shadowed(clock: Clock, candidate: Path) -> RateLimiterService:
    shadow = await LimitsInForce.open(candidate)
    return RateLimiterService(
        MemoryState(), await LimitsInForce.open(), clock, shadow_limits=shadow, jitter=lambda: 0.0
    )


def candidate(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "candidate.toml"
    path.write_text(text)
    return path


async def test_a_slower_candidate_is_counted_and_changes_no_answer(tmp_path: Path) -> None:
    clock = Clock()
    service = await shadowed(clock, candidate(tmp_path, '[domains."example.com"]\nqps = 2\n'))
    assert [(await reserve(service)).wait_ms for _ in range(11)] == [100 * n for n in range(11)]
    assert (await reserve(service, "other.com")).wait_ms == 0
    assert not (await reserve(service)).granted
    shadow = (await status_of(service)).shadow
    assert shadow is not None
    assert (shadow.limit, shadow.interval_ms, shadow.error) == ('domains."example.com"', 500, "")
    assert (shadow.live_at_once, shadow.live_delayed, shadow.live_refused) == (2, 10, 1)
    assert (shadow.at_once, shadow.delayed, shadow.refused) == (2, 2, 9)


async def test_a_faster_candidate_counts_those_who_were_refused(tmp_path: Path) -> None:
    service = await shadowed(Clock(), candidate(tmp_path, '[domains."example.com"]\nqps = 100\n'))
    for _ in range(50):
        await reserve(service)
    shadow = (await status_of(service)).shadow
    assert shadow is not None
    assert (shadow.live_refused, shadow.refused) == (39, 0)


async def test_a_hold_is_the_sites_wish_and_holds_in_the_shadow_too(tmp_path: Path) -> None:
    service = await shadowed(Clock(), candidate(tmp_path, ""))
    await answer(service, 429, 60_000)
    await reserve(service)
    shadow = (await status_of(service)).shadow
    assert shadow is not None
    assert shadow.refused == 1


async def test_a_new_candidate_is_counted_anew_and_a_bad_one_says_so(tmp_path: Path) -> None:
    clock, path = Clock(), candidate(tmp_path, "")
    service = await shadowed(clock, path)
    await reserve(service)
    path.write_text('[domains."example.com"]\nblocked = true\n')
    clock.advance(1_000)
    await reserve(service)
    shadow = (await status_of(service)).shadow
    assert shadow is not None
    assert (shadow.live_at_once, shadow.at_once, shadow.refused) == (1, 0, 1)
    path.write_text("domains = 5\n")
    clock.advance(1_000)
    await reserve(service)
    shadow = (await status_of(service)).shadow
    assert shadow is not None
    assert "line 1: domains must be a table" in shadow.error
    assert shadow.refused == 2


async def test_without_a_candidate_there_is_no_shadow() -> None:
    service = RateLimiterService(MemoryState(), await LimitsInForce.open(), Clock())
    assert (await status_of(service)).shadow is None
