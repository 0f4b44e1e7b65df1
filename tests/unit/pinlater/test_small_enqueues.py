"""Enqueues at the same time are stored together, each gets its own ids; one that fails fails for all with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pinlater.backends.small_enqueues import SmallEnqueues
from thrift_idl.errors import DiskFull


class Store:
    """Numbers what it is given, once it may."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[str]]] = []
        self.ids: dict[str, int] = {}
        self.may = asyncio.Event()
        self.fails = False
        self._last = 0

    async def __call__(self, queue: str, new: Sequence[str]) -> int:
        await self.may.wait()
        if self.fails:
            raise DiskFull("full")
        self.calls.append((queue, list(new)))
        for each in new:
            self._last += 1
            self.ids[each] = self._last
        return self._last


async def test_what_comes_while_one_is_stored_goes_next_together() -> None:
    store = Store()
    enqueues = SmallEnqueues(store, 500)
    callers = [asyncio.create_task(enqueues.add("q", [f"{at} {job}" for job in range(at + 1)])) for at in range(5)]
    await asyncio.sleep(0)
    store.may.set()
    last = await asyncio.gather(*callers)
    assert len(store.calls) <= 2
    assert last == [store.ids[f"{at} {at}"] for at in range(5)]


async def test_no_more_than_the_most_go_at_a_time_and_queues_go_apart() -> None:
    store = Store()
    enqueues = SmallEnqueues(store, 4)
    callers = [asyncio.create_task(enqueues.add(queue, ["a", "b", "c"])) for queue in "xyxyxy"]
    store.may.set()
    await asyncio.gather(*callers)
    assert sorted(store.calls) == [(queue, ["a", "b", "c"]) for queue in "xxxyyy"]


async def test_a_store_that_fails_fails_for_those_it_was_asked_for_and_no_others() -> None:
    store = Store()
    store.fails = True
    enqueues = SmallEnqueues(store, 500)
    callers = [asyncio.create_task(enqueues.add("q", ["job"])) for _ in range(3)]
    await asyncio.sleep(0)
    store.may.set()
    assert all(isinstance(error, DiskFull) for error in await asyncio.gather(*callers, return_exceptions=True))
    store.fails = False
    assert await enqueues.add("q", ["job"]) == 1


async def test_a_caller_that_is_cancelled_takes_nobody_with_it() -> None:
    store = Store()
    enqueues = SmallEnqueues(store, 500)
    callers = [asyncio.create_task(enqueues.add("q", [f"{at}"])) for at in range(3)]
    await asyncio.sleep(0)
    callers[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await callers[1]
    store.may.set()
    assert [await callers[0], await callers[2]] == [store.ids["0"], store.ids["2"]]
