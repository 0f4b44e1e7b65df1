"""Turns: owners who have used little come first, and no owner waits for ever."""

from __future__ import annotations

import asyncio

from runtime.turns import OwnerLines, Turns


def served(lines: OwnerLines[str], now_ms: float = 0.0) -> list[str]:
    """All who wait, in turn; each uses a second."""
    found = []
    while lines:
        found.append(lines.next(now_ms))
        lines.use(found[-1][0], 1_000.0, now_ms)
    return found


def test_one_of_each_owner_comes_in_turn() -> None:
    lines: OwnerLines[str] = OwnerLines()
    for number in range(3):
        lines.join("a", f"a{number}", 0.0)
    for number in range(2):
        lines.join("b", f"b{number}", 1.0)
    assert served(lines, 2.0) == ["a0", "b0", "a1", "b1", "a2"]


def test_who_has_used_much_waits_behind_who_has_not() -> None:
    lines: OwnerLines[str] = OwnerLines()
    lines.use("a", 10_000.0, 0.0)
    for number in range(20):
        lines.join("a", f"a{number}", 0.0)
    lines.join("b", "b0", 500.0)
    assert served(lines, 600.0)[0] == "b0"


def test_what_was_used_counts_half_after_a_minute() -> None:
    lines: OwnerLines[str] = OwnerLines()
    lines.use("a", 8_000.0, 0.0)
    assert (lines.used_ms("a", 60_000.0), lines.used_ms("a", 180_000.0)) == (4_000.0, 1_000.0)
    assert lines.used_ms("b", 0.0) == 0


def test_new_owners_without_end_keep_nobody_waiting_for_ever() -> None:
    lines: OwnerLines[str] = OwnerLines()
    lines.use("a", 90_000.0, 0.0)
    lines.join("a", "a0", 0.0)
    for second in range(200):
        now_ms = second * 1_000.0
        lines.join(f"new{second}", "new", now_ms)
        if lines.next(now_ms) == "a0":
            break
    assert 20 < second < 60


async def test_so_many_have_a_turn_at_a_time_and_who_is_cancelled_gives_it_up() -> None:
    turns, order = Turns(2), []
    busy = most = 0

    async def work(owner: str) -> None:
        nonlocal busy, most
        async with turns.turn(owner):
            busy += 1
            most = max(most, busy)
            order.append(owner)
            await asyncio.sleep(0.01)
            busy -= 1

    tasks = [asyncio.create_task(work(owner)) for owner in "aaaaaaaab"]
    await asyncio.sleep(0)
    assert turns.waiting == 7
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (most, len(order), turns.waiting) == (2, 8, 0)
    assert order.index("b") <= 3
    async with turns.turn("c"), turns.turn("c"):
        pass
