"""A shared or exclusive lock: most jobs run together; a job lost with its worker several times runs alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SharedExclusiveLock:
    """A lock that many share, or one has alone; a caller that waits for it alone is not overtaken for ever."""

    def __init__(self) -> None:
        self._condition = asyncio.Condition()
        self._together = 0
        self._alone = False
        self._wanting = 0

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Run beside others."""
        if self._alone or self._wanting:  # rare
            async with self._condition:
                await self._condition.wait_for(lambda: not self._alone and not self._wanting)
        self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            if self._wanting and not self._together:
                async with self._condition:
                    self._condition.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Run when no other job does."""
        async with self._condition:
            self._wanting += 1
            try:
                await self._condition.wait_for(lambda: not self._alone and not self._together)
                self._alone = True
            finally:
                self._wanting -= 1
                self._condition.notify_all()  # if cancelled, it no longer waits
        try:
            yield
        finally:
            async with self._condition:
                self._alone = False
                self._condition.notify_all()
