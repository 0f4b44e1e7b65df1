"""Small enqueues of the same moment, sent to the store together: one call costs the same for many jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Generic, TypeVar

from runtime.batching import Batching

T = TypeVar("T")


class SmallEnqueues(Generic[T]):
    """By queue. The first one is sent at once, alone; those that come until it is stored are sent next, together."""

    def __init__(self, store: Callable[[str, Sequence[T]], Awaitable[int]], most: int) -> None:
        """`store` returns the last local id, the others are just before it; at most `most` jobs at a time."""
        self._store = store
        self._most = most
        self._by_queue: dict[str, Batching[Sequence[T], int]] = {}

    async def add(self, queue: str, new: Sequence[T]) -> int:
        """The last local id of these, at most `most`. Raises an error of `store` to all callers of one batch."""
        batching = self._by_queue.get(queue)
        if batching is None:
            batching = self._by_queue[queue] = Batching(partial(self._stored, queue), self._most, size=len)
        try:
            return await batching(new)
        finally:
            if batching.is_idle and self._by_queue.get(queue) is batching:
                del self._by_queue[queue]

    async def _stored(self, queue: str, enqueues: Sequence[Sequence[T]]) -> Sequence[int]:
        """The last local id of each."""
        last = await self._store(queue, [job for new in enqueues for job in new])
        before = last - sum(map(len, enqueues))
        return list(accumulate(map(len, enqueues), initial=before))[1:]
