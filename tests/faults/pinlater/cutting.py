"""A way to a server that is cut in the middle of calls: before the server has them, or before their answer is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

_LENGTH = 4


@dataclass
class Cutter:
    """Cuts calls that carry `word`, once each way and then by chance, and counts how; an answer that carries `spared`
    comes through.
    """

    port: int
    word: bytes
    spared: bytes
    random: Random
    lost_calls: int = 0
    lost_answers: int = 0
    _loops: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def address(self) -> AsyncIterator[str]:
        """The address for callers."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._loops.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while await self._carry(reader, back, there, writer):
                    pass
        finally:
            writer.close()
            back.close()
            self._loops.discard(task)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """One call and its answer; whether the connection lives on."""
        call = await _frame(reader)
        cut = self._cut() if self.word in call else ""
        if cut == "call":
            self.lost_calls += 1
            return False
        back.write(call)
        answer = await _frame(there)
        if cut == "answer" and self.spared not in answer:
            self.lost_answers += 1
            return False
        writer.write(answer)
        return True

    def _cut(self) -> str:
        if not self.lost_calls:
            return "call"
        return self.random.choice(("call", "answer", "answer", "")) if self.lost_answers else "answer"


async def _frame(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(_LENGTH)
    return length + await reader.readexactly(int.from_bytes(length, "big"))
