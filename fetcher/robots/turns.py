"""Turns for work whose size a site decides and that takes more than a few milliseconds: one piece at a time.

Threads share the interpreter with the event loop, so that each working thread slows down everything. A domain whose
work took CPU waits three times as long before its next piece: it can have a fourth of one thread, and another domain
waits for one piece of it, not for all its pieces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from runtime.clock import Clock, thread_cpu_ms

T = TypeVar("T")
_REST = 3


@dataclass(slots=True)
class _Line:
    """The waiting work of one domain."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    free_at_ms: float = 0


class DomainTurns:
    """Gives each domain its turns."""

    def __init__(self, clock: Clock) -> None:
        self._now_ms = clock.now_ms
        self._at_work = asyncio.Lock()
        self._lines: dict[str, _Line] = {}

    async def take(self, domain: str, work: Callable[[], T]) -> T:
        """The result of `work`, done in a thread when `domain` has its turn."""
        self._forget()
        line = self._lines.setdefault(domain, _Line())
        line.waiting += 1
        try:
            async with line.turn:
                await asyncio.sleep(max(0, line.free_at_ms - self._now_ms()) / 1_000)
                async with self._at_work:
                    return await self._done(line, work)
        finally:
            line.waiting -= 1

    async def _done(self, line: _Line, work: Callable[[], T]) -> T:
        result, cpu_ms = await asyncio.to_thread(_timed, work)
        line.free_at_ms = self._now_ms() + _REST * cpu_ms
        return result

    def _forget(self) -> None:
        """Drop empty lines that have rested."""
        now_ms = self._now_ms()
        for domain in [d for d, line in self._lines.items() if not line.waiting and line.free_at_ms <= now_ms]:
            del self._lines[domain]


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of `work`, and its CPU milliseconds; waiting for the interpreter isn't counted."""
    began_ms = thread_cpu_ms()
    return work(), thread_cpu_ms() - began_ms
