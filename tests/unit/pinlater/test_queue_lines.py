"""Callers that wait for a job are woken by an arrival and by each other; nothing here waits for a clock.

A few turns of the event loop are enough for a caller that is woken. One that isn't would sleep for seconds: it isn't
done after them, whatever the machine does meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from pinlater.waiting import QueueLines

LONG_MS = 3_600_000.0


async def turns(count: int = 20) -> None:
    """Let everybody run who can."""
    for _ in range(count):
        await asyncio.sleep(0)


class Store:
    """Jobs that are there; a caller that looks takes one."""

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.looks = 0
        self.again_ms = LONG_MS

    async def look(self) -> tuple[Sequence[str], float]:
        self.looks += 1
        return ([self.jobs.pop(0)] if self.jobs else []), self.again_ms


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def lines() -> AsyncIterator[QueueLines]:
    lines = QueueLines([], most=3)
    yield lines
    await lines.close()


def waits(lines: QueueLines, store: Store, queue: str = "q") -> asyncio.Task[Sequence[str]]:
    return asyncio.create_task(lines.first(queue, store.look, LONG_MS))


async def test_an_arrival_wakes_a_caller_that_waits(lines: QueueLines, store: Store) -> None:
    waiting = waits(lines, store)
    await turns()
    assert not waiting.done() and store.looks == 1
    store.jobs = ["a"]
    lines.tell("q")
    await turns()
    assert waiting.done() and await waiting == ["a"]


async def test_an_arrival_wakes_the_first_caller_only_and_a_caller_that_leaves_wakes_the_next(
    lines: QueueLines, store: Store
) -> None:
    first, second = waits(lines, store), waits(lines, store)
    await turns()
    store.jobs = ["a"]
    lines.tell("q")
    await turns()
    # The second one looked because the first had left, and found nothing.
    assert (first.done(), second.done(), store.looks) == (True, False, 4)
    store.jobs = ["b", "c"]
    third = waits(lines, store)
    await turns()
    assert await third == ["b"] and second.done() and await second == ["c"]


async def test_a_caller_that_is_cancelled_passes_the_arrival_on(lines: QueueLines, store: Store) -> None:
    first, second = waits(lines, store), waits(lines, store)
    await turns()
    store.jobs = ["a"]
    lines.tell("q")
    first.cancel()
    await turns()
    assert second.done() and await second == ["a"]


async def test_an_arrival_while_a_caller_looks_has_it_look_again(lines: QueueLines, store: Store) -> None:
    async def look() -> tuple[Sequence[str], float]:
        found = await store.look()
        if store.looks == 1:
            store.jobs = ["a"]
            lines.tell("q")
        return found

    waiting = asyncio.create_task(lines.first("q", look, LONG_MS))
    await turns()
    assert waiting.done() and await waiting == ["a"]


async def test_an_arrival_of_another_queue_wakes_nobody_and_one_of_every_queue_each_line(
    lines: QueueLines, store: Store
) -> None:
    one, other = waits(lines, store, "one"), waits(lines, store, "other")
    await turns()
    lines.tell("third")
    await turns()
    assert store.looks == 2
    store.jobs = ["a", "b"]
    lines.tell("")
    await turns()
    assert one.done() and other.done()


async def test_a_due_time_wakes_a_caller(lines: QueueLines, store: Store) -> None:
    store.again_ms = 1.0
    waiting = waits(lines, store)
    await turns()
    store.jobs, store.again_ms = ["a"], LONG_MS
    assert await waiting == ["a"]


async def test_a_line_is_full_with_as_many_callers_as_the_server_lets_wait(lines: QueueLines, store: Store) -> None:
    waiting = [waits(lines, store, queue) for queue in "abc"]
    await turns()
    assert lines.is_full
    waiting[0].cancel()
    await turns()
    assert not lines.is_full
    for each in waiting:
        each.cancel()
