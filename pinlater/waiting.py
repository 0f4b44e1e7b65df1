"""Callers that wait for a queue's next job, and their wake-up: by an arrival here or elsewhere, or by a due time.

While a queue is empty nobody asks the store for jobs. One waiting caller is woken when the next job is due, and also
every few seconds in case a message was lost. An arrival wakes one caller, which wakes the next one when it leaves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from pinlater.backends import Backend
from thrift_idl.errors import BackendDown

T = TypeVar("T")
Look = Callable[[], Awaitable[tuple[Sequence[T], float]]]
"""The result and, if it is empty, the time in ms after which a check may find something without a wake-up."""

LOOK_AGAIN_MS = 5_000
_LINGER_S = 10.0
_LISTEN_AGAIN_S = 1.0


class QueueLine:
    """The callers that wait for one queue, in order of arrival."""

    def __init__(self) -> None:
        self.members = 0
        self.arrivals = 0
        self._sleeping: deque[asyncio.Future[None]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """A job may be there: the first sleeping caller checks; one that is checking now checks again."""
        self.arrivals += 1
        while self._sleeping:
            first = self._sleeping.popleft()
            if not first.done():
                first.set_result(None)
                return

    async def sleep(self, end: float, look_at: float) -> None:
        """Sleep until woken, or `end`; at `look_at` one caller of the line is woken. Times of the event loop."""
        loop = asyncio.get_running_loop()
        if self._alarm is None or look_at < self._alarm.when():
            self.close()
            self._alarm = loop.call_at(look_at, self._ring)
        me = loop.create_future()
        self._sleeping.append(me)
        timer = loop.call_at(end, _settle, me)
        try:
            await me
        finally:
            timer.cancel()
            me.cancel()

    def close(self) -> None:
        """The clock wakes no caller any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self) -> None:
        self._alarm = None
        self.wake()


class QueueLines:
    """The lines of one server, and its listeners for arrivals on others."""

    def __init__(self, backends: Iterable[Backend], most: int) -> None:
        """`backends` is iterated again each time: shards are added and removed."""
        self._backends = backends
        self._most = most
        self._lines: dict[str, QueueLine] = {}
        self._ears: dict[Backend, asyncio.Task[None]] = {}
        self._linger: asyncio.TimerHandle | None = None

    @property
    def is_full(self) -> bool:
        """True if no more callers may wait."""
        return sum(line.members for line in self._lines.values()) >= self._most

    def tell(self, queue: str) -> None:
        """The queue may have a ready job; "" = every queue may."""
        for line in [self._lines.get(queue)] if queue else list(self._lines.values()):
            if line is not None:
                line.wake()

    async def first(self, queue: str, look: Look[T], wait_ms: float) -> Sequence[T]:
        """The first non-empty result of a check; nothing after `wait_ms`. Raises the errors of the check."""
        loop = asyncio.get_running_loop()
        end = loop.time() + max(wait_ms, 0) / 1000
        line = self._lines.setdefault(queue, QueueLine())
        line.members += 1
        try:
            while True:
                seen = line.arrivals
                found, again_ms = await look()
                if found or loop.time() >= end:
                    return found
                self._listen()
                if line.arrivals == seen:
                    await line.sleep(end, loop.time() + min(again_ms, LOOK_AGAIN_MS) / 1000)
        finally:
            line.members -= 1
            line.wake()
            if not line.members:
                self._lines.pop(queue).close()
                self._go_home()

    async def close(self) -> None:
        """Stop listening."""
        if self._linger is not None:
            self._linger.cancel()
        ears = list(self._ears.values())
        self._ears.clear()
        for ear in ears:
            ear.cancel()
        await asyncio.gather(*ears, return_exceptions=True)

    def _listen(self) -> None:
        """Listen at each of the present backends."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        present = list(self._backends)
        for backend in [gone for gone in self._ears if gone not in present]:
            self._ears.pop(backend).cancel()
        for backend in present:
            if backend not in self._ears or self._ears[backend].done():
                self._ears[backend] = asyncio.create_task(self._hear(backend))

    async def _hear(self, backend: Backend) -> None:
        while True:
            try:
                async for queue in backend.arrivals():
                    self.tell(queue)
            except BackendDown:
                await asyncio.sleep(_LISTEN_AGAIN_S)

    def _go_home(self) -> None:
        """No caller waits any more: stop listening, unless one comes soon."""
        if not self._lines and self._ears and self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(_LINGER_S, self._fall_asleep)

    def _fall_asleep(self) -> None:
        self._linger = None
        if not self._lines:
            for ear in self._ears.values():
                ear.cancel()
            self._ears.clear()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
