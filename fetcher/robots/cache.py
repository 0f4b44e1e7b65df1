"""Caches that share copies of robots.txt and outlive the process: the seam, and the implementation in memory."""

from __future__ import annotations

from typing import Protocol

from cachetools import FIFOCache

from fetcher.robots.copies import RobotsCopy
from runtime.clock import Clock


class RobotsCache(Protocol):
    """A cache: it may forget anything, any time. Raises `BackendDown` where it can't be asked."""

    async def get(self, origin: str) -> RobotsCopy | None:
        """The copy last put for `origin`, unless it was forgotten."""

    async def put(self, copy: RobotsCopy, keep_ms: int) -> None:
        """Keep `copy` for at most `keep_ms`, instead of any earlier one of its origin."""

    async def close(self) -> None:
        """Let go of the engine."""


class MemoryRobotsCache:
    """In this process, bounded by number: tests, and runs that want to leave nothing behind."""

    def __init__(self, most: int = 10_000, clock: Clock | None = None) -> None:
        self._now_ms = (clock or Clock()).now_ms
        self._copies: FIFOCache[str, tuple[RobotsCopy, float]] = FIFOCache(most)

    async def get(self, origin: str) -> RobotsCopy | None:
        """The copy last put for `origin`, unless it was forgotten."""
        copy, until_ms = self._copies.get(origin, (None, 0.0))
        return copy if self._now_ms() < until_ms else None

    async def put(self, copy: RobotsCopy, keep_ms: int) -> None:
        """Keep `copy` for at most `keep_ms`."""
        self._copies[copy.origin] = (copy, self._now_ms() + keep_ms)

    async def close(self) -> None:
        """Nothing to let go of."""
