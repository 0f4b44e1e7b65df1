"""One attempt for many callers."""

from __future__ import annotations

import asyncio

import pytest

from runtime.single_flight import SingleFlight
from thrift_idl.errors import Refused


class Attempt:
    """Counts its starts; ends when it may."""

    def __init__(self) -> None:
        self.starts = 0
        self.cancelled = 0
        self.may = asyncio.Event()

    async def __call__(self) -> int:
        self.starts += 1
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.starts


async def _joined(flights: SingleFlight[str, int], attempt: Attempt, callers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flights.join("k", attempt)) for _ in range(callers)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_callers_at_once_share_a_flight_and_a_later_one_has_its_own() -> None:
    flights, attempt = SingleFlight[str, int](), Attempt()
    callers = await _joined(flights, attempt, 3)
    attempt.may.set()
    assert await asyncio.gather(*callers) == [1, 1, 1]
    assert await flights.join("k", attempt) == 2
    assert len(flights) == 0


async def test_other_keys_fly_by_themselves() -> None:
    flights, attempt = SingleFlight[int, int](), Attempt()
    attempt.may.set()
    assert await asyncio.gather(*(flights.join(key, attempt) for key in range(3))) == [1, 2, 3]


async def test_an_error_is_shared_too_and_not_kept() -> None:
    flights, starts = SingleFlight[str, int](), 0

    async def fail() -> int:
        nonlocal starts
        starts += 1
        await asyncio.sleep(0)
        raise Refused("no")

    ends = await asyncio.gather(*(flights.join("k", fail) for _ in range(3)), return_exceptions=True)
    assert starts == 1 and all(isinstance(end, Refused) for end in ends)
    with pytest.raises(Refused):
        await flights.join("k", fail)
    assert starts == 2


async def test_a_cancelled_caller_leaves_and_the_others_arrive() -> None:
    flights, attempt = SingleFlight[str, int](), Attempt()
    first, second = await _joined(flights, attempt, 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    attempt.may.set()
    assert await second == 1


async def test_a_flight_that_every_caller_left_is_cancelled_and_the_next_starts_anew() -> None:
    flights, attempt = SingleFlight[str, int](), Attempt()
    callers = await _joined(flights, attempt, 2)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert len(flights) == 0
    attempt.may.set()
    assert await flights.join("k", attempt) == 2
    assert attempt.cancelled == 1
    assert len(flights) == 0


async def test_a_flight_that_lands_alone_goes_on_without_callers() -> None:
    flights, attempt = SingleFlight[str, int](lands_alone=True), Attempt()
    callers = await _joined(flights, attempt, 2)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    late = asyncio.create_task(flights.join("k", attempt))
    attempt.may.set()
    assert await late == 1
    assert attempt.cancelled == 0


async def test_a_flight_begun_by_nobody_in_particular_is_joined_by_who_wants_it() -> None:
    flights, attempt = SingleFlight[str, int](lands_alone=True), Attempt()
    begun = flights.begin("k", attempt)
    assert flights.begin("k", attempt) is begun
    attempt.may.set()
    assert await flights.join("k", attempt) == await begun == 1


async def test_an_error_that_nobody_waits_for_is_nobodys(caplog: pytest.LogCaptureFixture) -> None:
    flights = SingleFlight[str, int](lands_alone=True)

    async def fail() -> int:
        raise Refused("no")

    flights.begin("k", fail)
    await flights.landed()
    assert len(flights) == 0
    assert not caplog.records


async def test_closing_cancels_every_flight_and_its_callers() -> None:
    flights, attempt = SingleFlight[str, int](), Attempt()
    callers = await _joined(flights, attempt, 2)
    await flights.close()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    assert (attempt.cancelled, len(flights)) == (1, 0)
    await flights.close()
