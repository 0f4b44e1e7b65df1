"""Work of many callers, a batch at a time."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from drivers.gathered import Gathered, each, in_thread


async def test_what_comes_at_once_is_done_in_one_batch_off_the_loops_thread():
    batches: list[tuple[int, Sequence[int]]] = []

    def act(items: Sequence[int]) -> Sequence[int]:
        batches.append((threading.get_ident(), items))
        return [10 * item for item in items]

    gathered = Gathered(in_thread(act))
    assert await asyncio.gather(*(gathered(item) for item in range(5))) == [0, 10, 20, 30, 40]
    assert [items for _, items in batches] == [[0, 1, 2, 3, 4]]
    assert batches[0][0] != threading.get_ident()
    assert await gathered(7) == 70


async def test_an_error_goes_to_its_caller_alone():
    def fail() -> int:
        raise ValueError("mine")

    gathered = Gathered(in_thread(each))
    results = await asyncio.gather(gathered(fail), gathered(lambda: 1), return_exceptions=True)
    assert isinstance(results[0], ValueError) and results[1] == 1


async def test_what_breaks_a_batch_goes_to_all_of_it_and_the_next_is_done():
    def act(items: Sequence[int]) -> Sequence[int]:
        if 0 in items:
            raise OSError("full")
        return items

    gathered = Gathered(in_thread(act))
    broken = await asyncio.gather(gathered(0), gathered(1), return_exceptions=True)
    assert all(isinstance(each, OSError) for each in broken)
    assert await gathered(2) == 2


async def test_a_caller_that_went_away_holds_up_nobody():
    gathered: Gathered[int, int] = Gathered(in_thread(lambda items: items))
    gone = asyncio.ensure_future(gathered(1))
    stays = asyncio.ensure_future(gathered(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 2
    with pytest.raises(asyncio.CancelledError):
        await gone
