"""Waiting as long as patience lasts."""

from __future__ import annotations

from runtime.wait_budget import WaitBudget


async def test_a_delay_of_all_that_is_left_is_waited_and_a_longer_one_is_not() -> None:
    budget = WaitBudget(10)
    assert await budget.wait(4)
    assert not await budget.wait(7)
    assert await budget.wait(6)
    assert budget.left_ms == 0


async def test_without_patience_the_caller_gives_up_at_once() -> None:
    budget = WaitBudget(0)
    assert not await budget.wait(3_600_000)
    assert budget.left_ms == 0


async def test_a_delay_of_nothing_still_takes_its_part_so_that_it_comes_to_an_end() -> None:
    budget, waits = WaitBudget(3), 0
    while await budget.wait(0):
        waits += 1
    assert waits == 4
