"""Small enqueues that come at the same time go to the store together: one call costs the same for many jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
_Waiting = tuple[Sequence[T], "asyncio.Future[int]"]


class Gathering(Generic[T]):
    """By queue. The first of them goes at once, alone; what comes until it is stored goes next, together."""

    def __init__(self, store: Callable[[str, Sequence[T]], Awaitable[int]], most: int) -> None:
        """`store` returns the last local id, the others come right before it; `most` at a time."""
        self._store = store
        self._most = most
        self._waiting: dict[str, list[_Waiting[T]]] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}

    async def add(self, queue: str, new: Sequence[T]) -> int:
        """The last local id of these, `most` at most. Raises what `store` raises, to all who went together."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(queue, []).append((new, future))
        if queue not in self._sending:
            self._sending[queue] = asyncio.create_task(self._send_all(queue))
        return await future

    async def _send_all(self, queue: str) -> None:
        try:
            while queue in self._waiting:
                await self._send(queue, self._next(queue))
        finally:
            del self._sending[queue]
            for _, future in self._waiting.pop(queue, []):  # cancelled, as the event loop ends
                future.cancel()

    def _next(self, queue: str) -> list[_Waiting[T]]:
        """As many as fit, in the order of their coming."""
        waiting = self._waiting[queue]
        count = size = 0
        while count < len(waiting) and (not count or size + len(waiting[count][0]) <= self._most):
            size += len(waiting[count][0])
            count += 1
        taken, self._waiting[queue] = waiting[:count], waiting[count:]
        if not self._waiting[queue]:
            del self._waiting[queue]
        return taken

    async def _send(self, queue: str, taken: Sequence[_Waiting[T]]) -> None:
        try:
            last = await self._store(queue, [each for new, _ in taken for each in new])
        except asyncio.CancelledError:
            for _, future in taken:
                future.cancel()
            raise
        except Exception as error:
            for _, future in taken:
                if not future.done():
                    future.set_exception(error)
            return
        for new, future in reversed(taken):
            if not future.done():  # else its caller was cancelled, and the jobs are there all the same
                future.set_result(last)
            last -= len(new)
