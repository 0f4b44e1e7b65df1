"""Two budgets in one reservation: the registrable domain's and the host's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ratelimiter import FileState
from tests.support.contested_state import ContestedState
from tests.support.limiter_requests import CONTEXT, START_MS, Clock, assert_spaced, limiter
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Grant, Reservation, ReserveRequest, StatusRequest

LIMITS = """
[domains."example.com"]
qps = 10
[hosts."slow.example.com"]
qps = 2
note = "a small machine"
[hosts."closed.example.com"]
blocked = true
[hosts."brief.example.com"]
max_wait_ms = 50
[wildcards."*.net"]
qps = 5
[wildcards."*.a.example.net"]
qps = 1
"""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "limits.toml"
    path.write_text(LIMITS)
    return path


async def reserve(
    service: RateLimiter, host: str, domain: str = "example.com", crawl_delay_ms: int | None = None
) -> Grant:
    return await service.reserve(ReserveRequest(CONTEXT, Reservation(domain, host, crawl_delay_ms)))


async def test_a_host_with_a_lower_limit_keeps_it_and_the_domain_keeps_its_own(clock: Clock, file: Path) -> None:
    service = await limiter(clock, overrides=file)
    waits = [await reserve(service, "slow.example.com") for _ in range(3)]
    assert [grant.wait_ms for grant in waits] == [0, 500, 1_000]
    assert waits[0].interval_ms == 500
    assert (await reserve(service, "www.example.com")).granted is False  # the domain's last slot is a second ahead
    clock.advance(1_100)
    assert (await reserve(service, "www.example.com")).wait_ms == 0
    assert (await reserve(service, "www.example.com")).wait_ms == 100


async def test_both_budgets_hold_for_a_mix_of_hosts(clock: Clock, file: Path) -> None:
    service, slots = await limiter(clock, overrides=file), dict[str, list[float]]()
    for _ in range(600):
        for host in ("slow.example.com", "www.example.com"):
            grant = await reserve(service, host)
            if grant.granted:
                slots.setdefault(host, []).append(clock.now_ms + grant.wait_ms)
        clock.advance(25)
    assert_spaced(slots["slow.example.com"], 500)
    assert_spaced(sorted(slots["slow.example.com"] + slots["www.example.com"]), 100)
    assert len(slots["slow.example.com"]) >= 20
    assert len(slots["www.example.com"]) >= 80


async def test_refused_callers_of_a_slow_host_dont_hold_up_those_of_other_hosts(clock: Clock, file: Path) -> None:
    service = await limiter(clock, overrides=file)
    refused = [grant for grant in [await reserve(service, "slow.example.com") for _ in range(23)] if not grant.granted]
    assert [round(grant.retry_after_ms) for grant in refused] == [1_000 + 500 * number for number in range(20)]
    other = await reserve(service, "www.example.com")
    assert not other.granted
    assert other.retry_after_ms == 600


async def test_a_blocked_host_is_refused_and_its_domain_goes_on(clock: Clock, file: Path) -> None:
    service = await limiter(clock, overrides=file)
    for _ in range(10):
        refused = await reserve(service, "closed.example.com")
        assert (refused.granted, refused.reason) == (False, "blocked")
    assert [(await reserve(service, "www.example.com")).wait_ms for _ in range(2)] == [0, 100]
    for _ in range(20):
        busy = await reserve(service, "www.example.com")
    assert busy.retry_after_ms < 3_000


async def test_a_hosts_longest_wait_is_its_own(clock: Clock, file: Path) -> None:
    service = await limiter(clock, overrides=file)
    assert (await reserve(service, "brief.example.com")).granted
    assert not (await reserve(service, "brief.example.com")).granted
    assert (await reserve(service, "www.example.com")).wait_ms == 100


async def test_hosts_of_a_wildcard_have_a_budget_each(clock: Clock, file: Path) -> None:
    service = await limiter(clock, overrides=file)
    waits = [
        (await reserve(service, f"{name}.a.example.net", "example.net")).wait_ms for name in ("x", "y", "x", "other")
    ]
    assert waits[:3] == [0, 200, 1_000]


async def test_a_crawl_delay_lengthens_the_domains_interval_of_a_slow_host_too(clock: Clock, file: Path) -> None:
    service = await limiter(clock, overrides=file)
    grants = [await reserve(service, "slow.example.com", crawl_delay_ms=700) for _ in range(2)]
    assert [grant.wait_ms for grant in grants] == [0, 700]
    assert not (await reserve(service, "www.example.com")).granted


async def test_a_restart_remembers_both_slots(clock: Clock, file: Path, tmp_path: Path) -> None:
    clock.now_ms -= 10_000
    state = await FileState.open(tmp_path / "state", clock, boot=bytes(16))
    clock.now_ms += 10_000
    service = await limiter(clock, state, overrides=file)
    assert [(await reserve(service, "slow.example.com")).wait_ms for _ in range(2)] == [0, 500]
    await state.close()
    again = await FileState.open(tmp_path / "state", clock, boot=bytes(16))
    service = await limiter(clock, again, overrides=file)
    assert (await reserve(service, "slow.example.com")).wait_ms == 1_000
    await again.close()


@pytest.mark.parametrize("seed", range(3))
async def test_over_a_state_that_loses_at_random_both_budgets_hold(seed: int, file: Path) -> None:
    clock, state = Clock(), BothContested(seed)
    service = await limiter(clock, state, overrides=file)
    slots: list[float] = []
    for _ in range(100):
        grants = await asyncio.gather(*(reserve(service, "slow.example.com") for _ in range(3)))
        slots += [clock.now_ms + grant.wait_ms for grant in grants if grant.granted]
        clock.advance(250)
    assert state.lost > 0
    assert_spaced(sorted(slots), 500)
    assert len(slots) >= 20


class BothContested:
    """A `StateBackend` in which a rival takes a slot of the domain and the host between reading and moving."""

    def __init__(self, seed: int) -> None:
        self._contested = ContestedState(seed, losses=0.0, interval_ms=500, now_ms=START_MS)
        self._turns = seed
        self.lost = 0

    async def get(self, keys: tuple[int, ...]) -> tuple[float, ...]:
        return await self._contested.get(keys)

    async def compare_and_set(
        self, keys: tuple[int, ...], expected: tuple[float, ...], wanted: tuple[float, ...]
    ) -> tuple[float, ...]:
        self._turns += 1
        if self._turns % 3 == 0:
            await self._contested.compare_and_set(keys, expected, wanted)
        found = await self._contested.compare_and_set(keys, expected, wanted)
        self.lost += found != expected
        return found

    async def close(self) -> None:
        """Nothing to release."""


async def test_status_tells_the_hosts_limit_and_the_lines_that_won(clock: Clock, file: Path) -> None:
    service = await limiter(clock, overrides=file)
    status = await service.status(StatusRequest(CONTEXT, "example.com", "slow.example.com"))
    assert (status.limit, status.line) == ('domains."example.com"', 2)
    assert (status.host_limit, status.host_interval_ms, status.host_line) == ('hosts."slow.example.com"', 500, 4)
    assert status.note == "a small machine"
    plain = await service.status(StatusRequest(CONTEXT, "example.com", "www.example.com"))
    assert (plain.host_limit, plain.host_line, plain.note) == ("", 0, "")
