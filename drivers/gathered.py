"""Work of many callers, done in batches, one at a time.

The way to a thread, or to another service, and back costs the same for one call as for many. So what arrives while a
batch is under way, or soon behind one of several, makes the next. Who is alone never waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")

_MOST = 32  # in a batch: bounds how long the first one waits for the last
_REST = 10
LONGEST_REST_S = 0.05
"""For work that nobody waits for: a page is stored as well 50 ms later."""


def rest_s(took_s: float, longest_s: float = LONGEST_REST_S) -> float:
    """How long to gather behind a batch of several, in seconds: so that batches are under way a tenth of the time."""
    return min(_REST * took_s, longest_s)


class Gathered(Generic[A, R]):
    """`act` takes what has gathered and gives as many results. One that is an exception is raised to its caller; what
    `act` raises goes to all of the batch: they may repeat it. Used by one event loop. Blocking work: `in_thread`.
    """

    def __init__(self, act: Callable[[Sequence[A]], Awaitable[Sequence[R | Exception]]]) -> None:
        self._act = act
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._batches: asyncio.Task[None] | None = None

    def __call__(self, item: A) -> asyncio.Future[R]:
        """The result for `item`, once its batch is through."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._batches is None:
            self._batches = asyncio.create_task(self._run())
        return done

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                began = time.monotonic()
                await self._one(batch)
                if len(batch) > 1 and len(self._waiting) < _MOST:  # others are on their way
                    await asyncio.sleep(rest_s(time.monotonic() - began))
        finally:
            self._batches = None

    async def _one(self, batch: list[tuple[A, asyncio.Future[R]]]) -> None:
        try:
            results = await self._act([item for item, _ in batch])
        except Exception as error:  # the callers get it, whatever it is
            results = [error] * len(batch)
        for (_, done), result in zip(batch, results, strict=True):
            if done.done():
                continue  # the caller went away
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)


def in_thread(act: Callable[[Sequence[A]], Sequence[R]]) -> Callable[[Sequence[A]], Awaitable[Sequence[R]]]:
    """An `act` that blocks, off the event loop."""

    async def acting(items: Sequence[A]) -> Sequence[R]:
        return await asyncio.to_thread(act, items)

    return acting


def each(works: Sequence[Callable[[], R]]) -> Sequence[R | Exception]:
    """An `act`: every work's result, or what it raised."""
    return [_tried(work) for work in works]


def _tried(work: Callable[[], R]) -> R | Exception:
    try:
        return work()
    except Exception as error:  # goes to its caller, and to no other
        return error
