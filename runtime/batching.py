"""Work of many callers, done in batches, one batch at a time.

A call to a thread or to another service costs the same for one item as for many. So the items that arrive while a
batch runs make the next batch. A single item never waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from runtime.clock import monotonic_ms
from runtime.durations import SECOND_MS

A = TypeVar("A")
R = TypeVar("R")

_TIMES_WORK: Final = 10
LONGEST_REST_MS: Final = 50.0
"""For work without hurry: a page may as well be stored 50 ms later."""


def rest_ms(took_ms: float, longest_ms: float = LONGEST_REST_MS) -> float:
    """The time to gather after a batch of several items: so that batches run a tenth of the time."""
    return min(_TIMES_WORK * took_ms, longest_ms)


class Batching(Generic[A, R]):
    """`act` takes a batch and returns as many results. Used by one event loop. For work that blocks: `in_thread`.

    A result that is an exception is raised to its caller; an error of `act` goes to the whole batch: they may repeat
    it. If the batches are cancelled, as when the event loop ends, so are their callers.
    """

    def __init__(
        self,
        act: Callable[[Sequence[A]], Awaitable[Sequence[R | Exception]]],
        most: int = 32,
        *,
        size: Callable[[A], int] | None = None,
        longest_rest_ms: float = 0,
    ) -> None:
        """`most` is the sum of sizes in a batch (without `size` 1 each), which bounds the first item's wait for
        the last one; a larger item goes alone. After a batch of several, unless a full one is waiting, the next one
        gathers for `rest_ms`, at most `longest_rest_ms`.
        """
        self._act = act
        self._most = most
        self._size = size
        self._longest_rest_ms = longest_rest_ms
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._batches: asyncio.Task[None] | None = None

    def __call__(self, item: A) -> asyncio.Future[R]:
        """The result for `item`, once its batch is done. A caller that is cancelled cancels no other."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, done))
        if self._batches is None:
            self._batches = loop.create_task(self._run())
        return done

    @property
    def is_idle(self) -> bool:
        """True if no batch is running."""
        return self._batches is None

    async def close(self) -> None:
        """Wait for all accepted items."""
        if self._batches is not None:
            await self._batches

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = self._next()
                began_ms = monotonic_ms() if self._longest_rest_ms else 0.0
                await self._one(batch)
                if self._longest_rest_ms and len(batch) > 1 and len(self._waiting) < self._most:
                    took_ms = monotonic_ms() - began_ms
                    await asyncio.sleep(rest_ms(took_ms, self._longest_rest_ms) / SECOND_MS)
        finally:
            self._batches = None
            while self._waiting:  # cancelled, as the event loop ends
                self._waiting.popleft()[1].cancel()

    def _next(self) -> list[tuple[A, asyncio.Future[R]]]:
        """As many items as fit, in order of arrival."""
        waiting, size, left = self._waiting, self._size, self._most
        if size is None:
            return [waiting.popleft() for _ in range(min(len(waiting), left))]
        batch = [waiting.popleft()]
        left -= size(batch[0][0])
        while waiting and (needs := size(waiting[0][0])) <= left:
            batch.append(waiting.popleft())
            left -= needs
        return batch

    async def _one(self, batch: list[tuple[A, asyncio.Future[R]]]) -> None:
        settled: list[tuple[tuple[A, asyncio.Future[R]], R | Exception]]
        try:
            settled = list(zip(batch, await self._act([item for item, _ in batch]), strict=True))
        except asyncio.CancelledError:
            for _, done in batch:
                done.cancel()
            raise
        except Exception as error:  # the callers get any error
            settled = [(each, error) for each in batch]
        for (_, done), result in settled:
            if done.done():
                continue  # its caller has left
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
    """An `act`: every work's result, or its error."""
    return [_tried(work) for work in works]


def _tried(work: Callable[[], R]) -> R | Exception:
    try:
        return work()
    except Exception as error:  # only its caller gets it
        return error
