"""Child processes for pure functions on hostile bytes: bounded, recycled, replaceable.

A function that takes a page or an image apart may loop, use up memory or crash its interpreter. `ChildPool` limits the
damage to one call: a spawned process with limits of wall time, CPU time and memory, over pipes (see `runtime.child`
for the frames). Children end with their parent, even if it is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self

from runtime import child
from runtime.turns import Turns
from thrift_idl.errors import BackendDown, Overloaded

_LAST_WORDS_MS = 1_000

Ending = Literal["died", "timed_out", "out_of_memory", "failed"]


@dataclass(frozen=True, slots=True)
class ChildBounds:
    """Bounds of one call, and of one child over its life."""

    wall_ms: int = 15_000
    """From sending the argument to the end of the answer."""
    cpu_ms: int = 10_000
    memory_bytes: int = 1024 * 1024 * 1024
    """Private memory of a child, its interpreter included."""
    answer_bytes: int = 64 * 1024 * 1024
    calls: int = 2_000
    """Calls after which a child is replaced, in case it leaks."""
    resident_kib: int = 384 * 1024
    """Resident memory after a call beyond which a child is replaced."""
    start_ms: int = 20_000


@dataclass(frozen=True, slots=True)
class Done:
    """The function's result."""

    result: bytes


@dataclass(frozen=True, slots=True)
class LostCall:
    """The call has no result: its child died, took too long or too much memory, or the function raised."""

    ending: Ending
    detail: str = ""


Answer = Done | LostCall


class ChildPool:
    """`run("module:function", argument)` in one of `size` children, started at the first use.

    Calls wait in turn by their owners' use of the children, so that an owner of slow ones delays only its own.

    `imports` are loaded by each child as it starts (65 ms for the extractor's), so that its first call isn't slower
    than the others. Use a pool in the main thread's loop: Linux ends a child with the thread that started it.
    """

    def __init__(
        self, size: int, bounds: ChildBounds | None = None, imports: Sequence[str] = (), max_waiting: int = 1_000
    ) -> None:
        self._bounds = bounds or ChildBounds()
        self._imports = tuple(imports)
        self._turns = Turns(size)
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._max_waiting = max_waiting
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the living children."""
        return tuple(each.pid for each in self._all)

    async def run(self, function: str, argument: bytes, owner: str = "") -> Answer:
        """Run a function of bytes -> bytes. Waits for a free child, and for the turn of `owner`.

        Raises `Overloaded` if too many calls wait already, `BackendDown` if no child can be started or the pool is
        closed: neither says anything about the argument.
        """
        if self._turns.waiting >= self._max_waiting:
            raise Overloaded(f"{self._turns.waiting} calls wait for a child process already; come back later")
        async with self._turns.turn(owner):
            return await self._run(await self._take(), function, argument)

    async def close(self) -> None:
        """End all children now; running calls are `LostCall`."""
        self._closed = True
        self._idle.clear()
        await asyncio.gather(*(self._end(each) for each in tuple(self._all)))

    async def _take(self) -> _Child:
        while self._idle:
            known = self._idle.pop()
            if known.is_alive:
                return known
            await self._end(known)
        if self._closed:
            raise BackendDown("the child pool is closed")
        started = await _Child.spawn(self._bounds, self._imports)
        self._all.add(started)
        return started

    async def _run(self, worker: _Child, function: str, argument: bytes) -> Answer:
        keep = False
        try:
            answer = await worker.call(function, argument)
            keep = not self._closed and worker.is_reusable(answer)
            return answer
        finally:
            # Also when the caller was cancelled: the child is busy with a call without a caller.
            if keep:
                self._idle.append(worker)
            else:
                await asyncio.shield(self._end(worker))

    async def _end(self, worker: _Child) -> None:
        self._all.discard(worker)
        await worker.kill()


class _Child:
    """One child process, which runs one call at a time."""

    def __init__(self, process: Process, bounds: ChildBounds) -> None:
        self._process = process
        self._bounds = bounds
        self._calls = 0
        self._resident_kib = 0
        self.pid = process.pid

    @classmethod
    async def spawn(cls, bounds: ChildBounds, imports: Sequence[str]) -> _Child:
        """Start a child and wait until it is ready. Raises `BackendDown`."""
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(bounds, imports), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_environment()
            )
        except OSError as error:
            raise BackendDown(f"no child process can be started: {error}") from error
        started = cls(process, bounds)
        try:
            async with asyncio.timeout(bounds.start_ms / 1000):
                await started._receive()
        except (TimeoutError, EOFError) as error:
            await started.kill()
            raise BackendDown(f"a child process ended before it was ready (exit code {process.returncode})") from error
        except BaseException:
            await started.kill()
            raise
        return started

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    def is_reusable(self, answer: Answer) -> bool:
        """True if the next call may run here."""
        is_sound = isinstance(answer, Done) or answer.ending == "failed"
        return is_sound and self._calls < self._bounds.calls and self._resident_kib <= self._bounds.resident_kib

    async def call(self, function: str, argument: bytes) -> Answer:
        self._calls += 1
        name = function.encode()
        head = child.CALL.pack(self._bounds.cpu_ms, len(name)) + name
        try:
            async with asyncio.timeout(self._bounds.wall_ms / 1000):
                await self._send(head, argument)
                kind, text = await self._receive()
        except TimeoutError:
            return LostCall("timed_out", f"no answer within {self._bounds.wall_ms} ms")
        except (EOFError, OSError):
            return await self._death()
        if kind == child.DONE:
            return Done(text)
        if kind == child.NO_MEMORY:
            return LostCall("out_of_memory", f"more than {self._bounds.memory_bytes} bytes")
        return LostCall("failed", text.decode("utf-8", "replace"))

    async def kill(self) -> None:
        """End the process and reap it."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _death(self) -> LostCall:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_MS / 1000):
                await self._process.wait()
        await self.kill()  # it may still run with its pipe closed
        code = self._process.returncode
        if code == -signal.SIGPROF:
            return LostCall("timed_out", f"more than {self._bounds.cpu_ms} ms of CPU time")
        return LostCall("died", f"exit code {code}")

    async def _send(self, head: bytes, argument: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(child.LENGTH.pack(len(head) + len(argument)) + head)
        stdin.write(argument)
        await stdin.drain()

    async def _receive(self) -> tuple[int, bytes]:
        stdout = self._process.stdout
        assert stdout is not None
        length = child.LENGTH.unpack(await stdout.readexactly(child.LENGTH.size))[0]
        if length > self._bounds.answer_bytes:
            raise EOFError(f"an answer of {length} bytes")
        answer = await stdout.readexactly(length)
        kind, self._resident_kib = child.ANSWER.unpack_from(answer)
        return kind, answer[child.ANSWER.size :]


def _command(bounds: ChildBounds, imports: Sequence[str]) -> list[str]:
    """The command; -s, -P: no user site, nothing imported from the working directory."""
    program = [sys.executable, "-s", "-P", "-X", "utf8", "-m", "runtime.child"]
    return [*program, str(os.getpid()), str(bounds.memory_bytes), *imports]


def _environment() -> dict[str, str]:
    """The import path, and nothing else of the parent's environment, which may hold secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
