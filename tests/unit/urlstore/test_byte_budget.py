"""Content is read as far as it fits in hand; the rest waits its turn, and a caller that gives up leaves no hole."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from urlstore.byte_budget import ByteBudget


class Reader:
    """Holds bytes from when it is admitted until it is told to let go."""

    def __init__(self, in_hand: ByteBudget, size: int) -> None:
        self.holds = False
        self.let_go = asyncio.Event()
        self.task = asyncio.ensure_future(self._read(in_hand, size))

    async def _read(self, in_hand: ByteBudget, size: int) -> None:
        async with in_hand.hold(size):
            self.holds = True
            await self.let_go.wait()
        self.holds = False

    async def end(self) -> None:
        self.let_go.set()
        with suppress(asyncio.CancelledError):
            await self.task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def readers(in_hand: ByteBudget, *sizes: int) -> list[Reader]:
    made = [Reader(in_hand, size) for size in sizes]
    await settle()
    return made


async def test_no_more_is_in_hand_than_fits_and_those_who_wait_come_in_turn() -> None:
    first, second, third, fourth = await readers(ByteBudget(10), 6, 4, 5, 1)
    assert [each.holds for each in (first, second, third, fourth)] == [True, True, False, False]
    await second.end()
    assert not third.holds and not fourth.holds  # the small one doesn't pass the large one
    await first.end()
    await settle()
    assert third.holds and fourth.holds
    await third.end()
    await fourth.end()


async def test_more_than_all_there_is_comes_alone() -> None:
    small, huge, other = await readers(ByteBudget(10), 1, 1_000, 1)
    assert small.holds and not huge.holds
    await small.end()
    await settle()
    assert huge.holds and not other.holds
    await huge.end()
    await settle()
    assert other.holds
    await other.end()


async def test_who_gives_up_while_waiting_keeps_nobody_waiting() -> None:
    first, second, third = await readers(ByteBudget(10), 8, 8, 2)
    second.task.cancel()
    await settle()
    assert third.holds
    await second.end()
    await first.end()
    await third.end()


async def test_who_is_admitted_and_cancelled_at_once_leaves_no_hole() -> None:
    in_hand = ByteBudget(10)
    first, second = await readers(in_hand, 10, 10)
    first.let_go.set()
    await asyncio.wait([first.task])
    second.task.cancel()  # admitted meanwhile, not yet run again
    await second.end()
    (third,) = await readers(in_hand, 10)
    assert third.holds
    await third.end()
