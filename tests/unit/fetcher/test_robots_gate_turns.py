"""Heavy work on robots.txt: one piece at a time, and a domain rests after each of its own."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from fetcher.robots.gate import DomainTurns
from runtime.clock import Clock


class Work:
    """Pieces that say when they began and ended."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.at_once = 0
        self._lock = threading.Lock()

    def piece(self, name: str, cpu_ms: float = 0) -> str:
        with self._lock:
            self.at_once += 1
            assert self.at_once == 1
            self.told.append(name)
        until = time.thread_time() + cpu_ms / 1_000
        while time.thread_time() < until:
            pass
        with self._lock:
            self.at_once -= 1
        return name


async def test_no_two_pieces_are_done_at_once() -> None:
    work, taken = Work(), DomainTurns(Clock())
    domains = [f"{n % 5}.test" for n in range(20)]
    found = await asyncio.gather(*(taken.take(name, lambda name=name: work.piece(name, 1)) for name in domains))  # type: ignore[misc]  # a lambda with a default, or a tuple
    assert found == domains and len(work.told) == 20


async def test_who_comes_later_waits_for_one_piece_of_another_domain_not_for_all() -> None:
    work, taken = Work(), DomainTurns(Clock())
    heavy = [asyncio.ensure_future(taken.take("evil.test", lambda: work.piece("evil", 30))) for _ in range(5)]
    await asyncio.sleep(0)
    await taken.take("good.test", lambda: work.piece("good"))
    assert work.told == ["evil", "good"]
    await asyncio.gather(*heavy)


async def test_a_domain_rests_three_times_as_long_as_it_worked() -> None:
    clock = Clock()
    taken = DomainTurns(clock)
    await taken.take("a.test", lambda: Work().piece("a", 40))
    rested_from_ms = clock.now_ms()
    await taken.take("b.test", lambda: Work().piece("b"))
    await taken.take("a.test", lambda: Work().piece("a"))
    assert clock.now_ms() - rested_from_ms > 100


async def test_a_piece_that_fails_and_one_that_is_given_up_hold_nobody_up() -> None:
    work, taken = Work(), DomainTurns(Clock())

    def fails() -> None:
        raise ValueError("this piece")

    with pytest.raises(ValueError, match="this piece"):
        await taken.take("a.test", fails)
    waiting = [asyncio.ensure_future(taken.take("a.test", lambda: work.piece("a", 5))) for _ in range(3)]
    await asyncio.sleep(0)
    for each in waiting[1:]:
        each.cancel()
    await waiting[0]
    assert await taken.take("a.test", lambda: work.piece("b")) == "b"


async def test_domains_that_have_rested_are_forgotten() -> None:
    at_ms = 0.0
    taken = DomainTurns(Clock(now_ms=lambda: at_ms))
    for number in range(50):
        await taken.take(f"{number}.test", lambda: Work().piece("x"))
    assert len(taken._lines) > 1
    at_ms = 60_000.0
    await taken.take("last.test", lambda: Work().piece("x"))
    assert list(taken._lines) == ["last.test"]
