"""The contract of every record of the limiter's holds: a file, Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ratelimiter import MemoryState
from ratelimiter.backends.holds_file import FileHolds
from ratelimiter.backends.holds_redis import RedisHolds
from ratelimiter.holds import KEPT_MS, Hold, Holds, decode, encode
from ratelimiter.limits import LimitsInForce
from ratelimiter.service import RateLimiterService
from runtime.clock import precise_wall_ms
from tests.support.engines import REDIS
from tests.support.limiter_requests import Clock, answer, block, reserve, status_of

MINUTE_MS = 60_000.0


@pytest.fixture(params=["file", REDIS])
async def holds(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holds]:
    opened: Holds
    if request.param == "file":
        opened = await FileHolds.open(tmp_path / "new" / "holds", precise_wall_ms)
    else:
        opened = RedisHolds.open(request.getfixturevalue("redis_durable_url"))
    await opened.load()
    yield opened
    await opened.close()


async def service_over(holds: Holds, clock: Clock) -> RateLimiterService:
    return RateLimiterService(MemoryState(), await LimitsInForce.open(), clock, holds=holds, jitter=lambda: 0.0)


async def test_what_is_kept_is_there_again_the_last_of_each_domain(holds: Holds) -> None:
    await holds.keep("a.com", Hold(MINUTE_MS, 0.0, MINUTE_MS, 429))
    await holds.keep("a.com", Hold(5 * MINUTE_MS, 0.0, 2 * MINUTE_MS, 503))
    await holds.keep("b.com", Hold(0.0, MINUTE_MS))
    for _ in range(2):
        loaded = dict(await holds.load())
        assert loaded.keys() == {"a.com", "b.com"}
        assert 4 * MINUTE_MS < loaded["a.com"].held_ms <= 5 * MINUTE_MS
        assert (loaded["a.com"].unasked_hold_ms, loaded["a.com"].held_status) == (2 * MINUTE_MS, 503)
        assert 0 < loaded["b.com"].blocked_ms <= MINUTE_MS


async def test_a_limiter_that_is_restarted_still_holds_and_still_doubles(holds: Holds) -> None:
    clock = Clock()
    first = await service_over(holds, clock)
    await answer(first, 429)
    await block(first, 5_000, "b.com")
    second = await service_over(holds, clock)
    assert (await reserve(second)).reason == "held"
    assert (await reserve(second, "b.com")).reason == "blocked"
    assert 0.9 * MINUTE_MS < (await status_of(second)).held_ms <= MINUTE_MS
    clock.advance(MINUTE_MS)
    await answer(second, 429)
    assert (await status_of(await service_over(holds, clock))).held_ms > MINUTE_MS


async def test_a_block_that_was_lifted_stays_lifted(holds: Holds) -> None:
    clock = Clock()
    first = await service_over(holds, clock)
    await block(first, 60_000)
    await block(first, 0)
    assert (await reserve(await service_over(holds, clock))).granted


def test_a_clock_that_was_set_back_lengthens_no_hold_beyond_what_it_was_given() -> None:
    record = encode(Hold(held_ms=MINUTE_MS), 1_000_000_000)
    assert decode(record, 1_000_000_000 - 3_600_000) == Hold(held_ms=MINUTE_MS)
    assert decode(record, 1_000_000_000 + 20_000) == Hold(held_ms=MINUTE_MS - 20_000)
    assert decode(record, 1_000_000_000 + KEPT_MS + MINUTE_MS + 1) is None


@pytest.mark.parametrize("rubbish", [b"", b"[]", b"[1]", b'{"a": 1}', b'["a",1,2,3,4]', b"\xff"])
def test_what_is_no_record_is_passed_over(rubbish: bytes) -> None:
    assert decode(rubbish, 0) is None
