"""A bound on the content read at a time: a caller that asks for a thousand contents gets them one after another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

CONTENT_BYTES_AT_ONCE: Final = 32 * 1024 * 1024
"""Bytes of decoded content: two of the largest, five hundred usual pages. With blob and answer three times that."""


class ByteBudget:
    """Bytes in use at a time, at most `most`; a caller that finds no room waits. Used by one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Hold `size` bytes; more than `most` holds all, and is alone."""
        size = min(size, self._most)
        if self._waiting or self._held + size > self._most:
            await self._turn(size)
        else:
            self._held += size
        try:
            yield
        finally:
            self._held -= size
            self._admit()

    async def _turn(self, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # admitted and cancelled in one turn of the loop
                self._held -= size
            self._admit()
            raise

    def _admit(self) -> None:
        while self._waiting:
            size, turn = self._waiting[0]
            if not turn.done():
                if self._held + size > self._most:
                    return
                self._held += size
                turn.set_result(None)
            self._waiting.popleft()
