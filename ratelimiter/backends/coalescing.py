"""Many callers, few round trips: what is asked while an answer is under way goes together in the next question."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Coalescing(Generic[Q, A]):
    """Questions in the order of their asking, `most` in one go. Used by one event loop."""

    def __init__(self, send: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], most: int) -> None:
        self._send = send
        self._most = most
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._flight: asyncio.Task[None] | None = None

    def ask(self, question: Q) -> asyncio.Future[A]:
        """The answer, or what its sending raised. Asked at the latest when the present answer has come."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, answer))
        if self._flight is None:
            self._flight = loop.create_task(self._fly())
        return answer

    async def close(self) -> None:
        """Wait for what was asked."""
        if self._flight is not None:
            await self._flight

    async def _fly(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), self._most)
                await self._one([self._waiting.popleft() for _ in range(count)])
        finally:
            self._flight = None

    async def _one(self, asked: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._send([question for question, _ in asked])
        except Exception as error:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), value in zip(asked, answers, strict=True):
            if not answer.done():
                answer.set_result(value)
