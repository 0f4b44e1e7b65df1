"""Grants: when one is too old, and what the fetcher does then."""

from __future__ import annotations

import asyncio
import math

import pytest

from fetcher.slots import SLACK_MS, HoldsHeard, ReservedSlot, is_void, refusal
from fetcher.telemetry import SilentFetcherTelemetry
from fetcher.time_budget import Budget
from runtime.clock import Clock
from tests.support.open_limiter import OpenLimiter
from thrift_idl.errors import HostHeld, NoSlot
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.ttypes import Grant, Reservation


def grant(wait_ms: float, interval_ms: float) -> Grant:
    return Grant(True, wait_ms, 0.0, interval_ms)


@pytest.mark.parametrize(
    ("wait_ms", "interval_ms", "now_ms", "void"),
    [
        (0, 100, 1000, False),
        (0, 100, 1050, False),
        (0, 100, 1050.1, True),
        (300, 100, 1350, False),
        (300, 100, 1351, True),
        (0, 1, 1050, False),
        (0, 1, 1051, True),
        (0, 5000, 1051, True),
    ],
)
def test_a_grant_is_void_50_ms_after_its_slot_whatever_its_interval(wait_ms, interval_ms, now_ms, void) -> None:
    assert is_void(1000, grant(wait_ms, interval_ms), now_ms) is void


@pytest.mark.parametrize("qps", [0.9, 1, 1.9, 5, 9.5, 10, 19, 100, 200])
def test_no_second_is_above_its_bound_however_late_the_requests_that_are_not_void(qps) -> None:
    slots = [number * 1000 / qps for number in range(math.ceil(2 * qps) + 3)]
    # The worst stall: whatever had its slot within 50 ms is sent at their end, what follows is in time.
    arrivals = [max(slot, SLACK_MS) for slot in slots]
    fullest = sum(SLACK_MS <= at < SLACK_MS + 1000 for at in arrivals)
    assert not is_void(0, grant(0, 1000 / qps), SLACK_MS)
    assert fullest <= 1.05 * qps + 1


def test_a_refusal_says_why_and_when_to_come_back() -> None:
    no_slot = refusal(Grant(False, 0.0, 10.2, 100.0, "no_slot"))
    assert type(no_slot) is NoSlot and no_slot.delay_ms == 11
    assert type(refusal(Grant(False, 0.0, 0.0, 100.0, "held"))) is HostHeld
    assert refusal(Grant(False, 0.0, 0.0, 100.0, "blocked")).details["reason"] == "blocked"
    assert refusal(Grant(False, 0.0, 0.0, 100.0, "held")).delay_ms == 1


class Stalling:
    """A clock that jumps while the process was not looking."""

    def __init__(self) -> None:
        self.at_ms = 0.0

    def now_ms(self) -> float:
        return self.at_ms


class Counting(SilentFetcherTelemetry):
    voided = 0

    def grant_voided(self, domain: str) -> None:
        self.voided += 1


def slot_of(limiter, clock, telemetry=None, remaining_ms=None, max_wait_ms=1000, holds=None) -> ReservedSlot:
    ticking = Clock(now_ms=clock.now_ms)
    budget = Budget(30_000, remaining_ms, ticking)
    reservation = Reservation("a.test", "www.a.test", None, max_wait_ms)
    told, heard = telemetry or SilentFetcherTelemetry(), holds or HoldsHeard()
    return ReservedSlot(limiter, reservation, Context("test"), budget, ticking, told, heard, lambda: None)


async def test_a_slot_that_went_by_while_the_process_stalled_is_taken_anew() -> None:
    clock, limiter, telemetry = Stalling(), OpenLimiter(), Counting()
    slot = slot_of(limiter, clock, telemetry)
    await slot.reserve()
    clock.at_ms += 51
    await slot.wait()
    assert len(limiter.reserved) == slot.taken == 2 and telemetry.voided == 1


async def test_a_process_that_stalls_again_and_again_defers() -> None:
    class Late(OpenLimiter):
        async def reserve(self, request):
            clock.at_ms += 200
            return await super().reserve(request)

    clock = Stalling()
    slot = slot_of(Late(), clock)
    await slot.reserve()
    with pytest.raises(NoSlot):
        await slot.wait()


async def test_the_slot_counts_from_when_the_call_was_sent_and_the_wait_from_when_it_was_answered() -> None:
    class Slow(OpenLimiter):
        async def reserve(self, request):
            await super().reserve(request)
            clock.at_ms += 40
            return grant(0, 100)

    clock, limiter = Stalling(), Slow()
    slot = slot_of(limiter, clock)
    await slot.reserve()
    clock.at_ms += 10
    await slot.wait()
    assert slot.taken == 1 and slot.waited_ms == 40
    clock.at_ms += 1
    await slot.wait()
    assert slot.taken == 2


async def test_the_longest_wait_is_bounded_by_the_callers_patience() -> None:
    limiter = OpenLimiter()
    await slot_of(limiter, Stalling(), remaining_ms=500).reserve()
    await slot_of(limiter, Stalling(), remaining_ms=5000).reserve()
    assert [reservation.max_wait_ms for reservation in limiter.reserved] == [450, 1000]


async def test_waiting_is_no_work() -> None:
    clock = Stalling()
    ticking = Clock(now_ms=clock.now_ms)
    budget = Budget(100, None, ticking)
    clock.at_ms = 60
    budget.exclude(60)
    assert budget.left_ms() == 100


HELD = Grant(False, 0.0, 60_000.0, 100.0, "held")


async def test_what_was_granted_before_an_answer_that_holds_its_domain_is_taken_anew_and_refused() -> None:
    holds, limiter, telemetry = HoldsHeard(), OpenLimiter([grant(900, 100), HELD]), Counting()
    slot = slot_of(limiter, Stalling(), telemetry, holds=holds)
    await slot.reserve()
    with holds.telling("a.test"):
        pass
    with pytest.raises(HostHeld):  # at once: nobody sleeps until a slot that is void
        await slot.wait()
    assert telemetry.voided == 1


async def test_other_domains_and_later_grants_are_not_touched() -> None:
    holds, limiter = HoldsHeard(), OpenLimiter()
    before, after = slot_of(limiter, Stalling(), holds=holds), slot_of(limiter, Stalling(), holds=holds)
    await before.reserve()
    with holds.telling("b.test"):
        pass
    await before.wait()
    with holds.telling("a.test"):
        pass
    await after.reserve()
    await after.wait()
    assert before.taken == after.taken == 1


async def test_nobody_asks_while_the_limiter_is_being_told() -> None:
    holds, limiter = HoldsHeard(), OpenLimiter([HELD])
    slot = slot_of(limiter, Stalling(), holds=holds)
    with holds.telling("a.test"):
        with holds.telling("a.test"):
            asking = asyncio.create_task(slot.reserve())
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not limiter.reserved
    with pytest.raises(HostHeld):
        await asking


async def test_a_refusal_because_of_a_hold_voids_what_was_granted_before_its_end_and_nothing_else() -> None:
    holds, clock = HoldsHeard(), Stalling()
    soon, late = (slot_of(OpenLimiter([grant(wait_ms, 100)]), clock, holds=holds) for wait_ms in (200, 900))
    for slot in (soon, late):
        await slot.reserve()
    with pytest.raises(HostHeld):
        await slot_of(OpenLimiter([HELD]), clock, holds=holds, max_wait_ms=500).reserve()
    assert holds.voids("a.test", 0, 200) and not holds.voids("a.test", 0, 900)


async def test_no_number_of_domains_takes_more_memory() -> None:
    holds = HoldsHeard()
    for number in range(10_001):
        holds.refused(f"d{number}.test", 1.0)
    assert not holds.voids("d0.test", 0, 0.0) and holds.voids("d1.test", 0, 0.0)
