"""CPU time by stage of code that many tasks of one event loop run at the same time.

A coroutine is driven step by step; each step's CPU time of the loop's thread goes to the innermost metered call, or,
below a call that `keeps`, to that one. What no metered call has is the loop's own: I/O, timers, scheduling.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any


class Stages:
    """Seconds of CPU time, and calls, by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self.in_threads: defaultdict[str, float] = defaultdict(float)
        """Part of the threads' time, not of `seconds`."""
        self._stack: list[tuple[str, bool]] = []
        self._since = 0.0

    def meter(self, owner: Any, name: str, stage: str, keeps: bool = False) -> None:
        """Replace the async function `name` of a class or module by one that is metered."""
        original: Callable[..., Coroutine[Any, Any, Any]] = getattr(owner, name)

        @functools.wraps(original)
        async def metered(*arguments: Any, **named: Any) -> Any:
            self.calls[stage] += 1
            return await _Driven(self, stage, keeps, original(*arguments, **named))

        setattr(owner, name, metered)

    def meter_threads(self) -> None:
        """Note, for each function that is handed to a thread, its CPU time there as a stage of its own."""
        original = asyncio.to_thread

        async def to_thread(function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
            inner = function.func if isinstance(function, functools.partial) else function
            stage = f"in a thread: {inner.__module__}.{inner.__qualname__}"
            self.calls[stage] += 1

            def timed() -> Any:
                began = time.thread_time()
                try:
                    return function(*arguments, **named)
                finally:
                    self.in_threads[stage] += time.thread_time() - began

            return await original(timed)

        asyncio.to_thread = to_thread

    def enter(self, stage: str, keeps: bool) -> None:
        """The step of a call begins."""
        self._note()
        if self._stack and self._stack[-1][1]:
            stage, keeps = self._stack[-1]
        self._stack.append((stage, keeps))

    def leave(self) -> None:
        """It ends, or waits."""
        self._note()
        self._stack.pop()

    def _note(self) -> None:
        now = time.thread_time()
        if self._stack:
            self.seconds[self._stack[-1][0]] += now - self._since
        self._since = now


class _Driven(Awaitable[Any]):
    """A coroutine, each step of it metered."""

    def __init__(self, stages: Stages, stage: str, keeps: bool, inner: Coroutine[Any, Any, Any]) -> None:
        self._stages, self._stage, self._keeps, self._inner = stages, stage, keeps, inner

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = functools.partial(self._inner.send, None)
        while True:
            self._stages.enter(self._stage, self._keeps)
            try:
                waits_for = step()
            except StopIteration as end:
                return end.value
            finally:
                self._stages.leave()
            try:
                value = yield waits_for
                step = functools.partial(self._inner.send, value)
            except BaseException as error:
                step = functools.partial(self._inner.throw, error)


def thread_seconds() -> dict[str, float]:
    """CPU time of this process's living threads by name; numbered ones of a pool together."""
    found: defaultdict[str, float] = defaultdict(float)
    for thread in threading.enumerate():
        if thread.ident is not None:
            name = "pool" if thread.name.startswith(("asyncio_", "uvloop_")) else thread.name
            found[name] += time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return dict(found)
