"""Work of many callers, a batch at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from runtime.batching import LONGEST_REST_MS, Batching, each, in_thread, rest_ms


class Act:
    """Ten times each item, once it may; keeps the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may = asyncio.Event()

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        await self.may.wait()
        if 0 in items:
            raise OSError("full")
        self.batches.append(list(items))
        return [10 * item for item in items]


async def test_what_comes_at_once_is_done_in_one_batch_off_the_loops_thread() -> None:
    batches: list[tuple[int, Sequence[int]]] = []

    def act(items: Sequence[int]) -> Sequence[int]:
        batches.append((threading.get_ident(), items))
        return [10 * item for item in items]

    batching = Batching(in_thread(act), 32)
    assert await asyncio.gather(*(batching(item) for item in range(5))) == [0, 10, 20, 30, 40]
    assert [items for _, items in batches] == [[0, 1, 2, 3, 4]]
    assert batches[0][0] != threading.get_ident()
    assert await batching(7) == 70


async def test_what_comes_while_a_batch_is_under_way_makes_the_next_ones() -> None:
    act = Act()
    batching = Batching(act, 3)
    first = batching(1)
    await asyncio.sleep(0)
    others = [batching(item) for item in range(2, 7)]
    act.may.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30, 40, 50, 60]
    assert act.batches == [[1], [2, 3, 4], [5, 6]]


async def test_sizes_fill_a_batch_in_order_and_an_item_larger_than_all_goes_alone() -> None:
    act = Act()
    act.may.set()
    batching = Batching(act, 4, size=lambda item: item)
    await asyncio.gather(*(batching(item) for item in (3, 1, 9, 2, 3, 1)))
    assert act.batches == [[3, 1], [9], [2], [3, 1]]


async def test_an_error_goes_to_its_caller_alone() -> None:
    def fail() -> int:
        raise ValueError("mine")

    batching: Batching[Callable[[], int], int] = Batching(in_thread(each), 32)
    results = await asyncio.gather(batching(fail), batching(lambda: 1), return_exceptions=True)
    assert isinstance(results[0], ValueError) and results[1] == 1


async def test_what_breaks_a_batch_goes_to_all_of_it_and_the_next_is_done() -> None:
    act = Act()
    act.may.set()
    batching = Batching(act, 32)
    broken = await asyncio.gather(batching(0), batching(1), return_exceptions=True)
    assert all(isinstance(one, OSError) for one in broken)
    assert await batching(2) == 20


async def test_too_few_results_are_an_error_of_the_batch_and_leave_no_caller_behind() -> None:
    async def act(items: Sequence[int]) -> Sequence[int]:
        return items[1:]

    batching = Batching(act, 32)
    ends = await asyncio.gather(batching(1), batching(2), return_exceptions=True)
    assert all(isinstance(end, ValueError) for end in ends)


async def test_a_caller_that_went_away_takes_nobody_with_it() -> None:
    act = Act()
    batching = Batching(act, 32)
    gone, stays = batching(1), batching(2)
    await asyncio.sleep(0)
    gone.cancel()
    act.may.set()
    assert await stays == 20
    assert gone.cancelled()
    assert act.batches == [[1, 2]]


async def test_closing_waits_for_all_that_was_handed_in() -> None:
    act = Act()
    batching = Batching(act, 1)
    results = [batching(item) for item in (1, 2)]
    assert not batching.is_idle
    asyncio.get_running_loop().call_soon(act.may.set)
    await batching.close()
    assert [result.result() for result in results] == [10, 20]
    assert batching.is_idle
    await batching.close()


async def test_callers_are_cancelled_with_the_batches() -> None:
    act = Act()
    batching = Batching(act, 1)
    results = [batching(item) for item in (1, 2)]
    await asyncio.sleep(0)
    assert batching._batches is not None
    batching._batches.cancel()
    await asyncio.wait(results)
    assert all(result.cancelled() for result in results)
    act.may.set()
    assert await batching(3) == 30


async def test_behind_a_batch_of_several_the_next_one_gathers() -> None:
    act = Act()
    act.may.set()
    batching = Batching(act, 32, longest_rest_ms=20)
    await asyncio.gather(batching(1), batching(2))
    late = batching(3)
    later = batching(4)
    await asyncio.gather(late, later)
    assert act.batches == [[1, 2], [3, 4]]


def test_a_rest_is_ten_times_the_work_within_its_bound() -> None:
    assert rest_ms(1.5) == 15
    assert rest_ms(60) == LONGEST_REST_MS == 50
    assert rest_ms(60, 5) == 5
