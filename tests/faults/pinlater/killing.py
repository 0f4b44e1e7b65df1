"""Servers and workers as processes that are killed at random and come back, and what the store says afterwards."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random

from tests.faults.pinlater import handler
from tests.support.pinlater_caller import FAILED, IN_PROGRESS, PENDING, SUCCEEDED, Caller
from thrift_idl.errors import BackendDown
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import PinLaterException, PinLaterJob, PinLaterJobInfo
from thrift_idl.rpc import Channel

ATTEMPTS = 10_000
POISON_ATTEMPTS = 3
_LOOKED_UP = 500


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Process:
    """One process of ours, which says when it runs."""

    def __init__(self, *arguments: str) -> None:
        self._command = [sys.executable, "-m", *arguments]
        self.kills = 0
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._ready = asyncio.ensure_future(asyncio.to_thread(self._wait))

    def _wait(self) -> None:
        assert self._process.stdout
        assert self._process.stdout.readline() == "running\n"

    async def ready(self) -> None:
        await self._ready

    async def kill(self) -> None:
        await self._ready
        self.end(signal.SIGKILL)
        self.kills += 1
        self.start()

    def end(self, number: int = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        return self._process.wait(timeout=30)


class Cluster:
    """Servers over one store, two workers each."""

    def __init__(self, url: str, folder: Path, skews_ms: Sequence[int]) -> None:
        self.log = folder / "attempts"
        self.ports = [free_port() for _ in skews_ms]
        self.servers = [
            Process("tests.faults.pinlater.server", url, str(port), str(self.log), str(skew_ms))
            for port, skew_ms in zip(self.ports, skews_ms, strict=True)
        ]
        self.workers: list[Process] = []

    def start_workers(self, each: int) -> None:
        for number, port in enumerate(self.ports * each):
            self.workers.append(Process("tests.faults.pinlater.handler", str(port), str(number)))

    @asynccontextmanager
    async def callers(self) -> AsyncIterator[list[Caller]]:
        """One for each server."""
        for server in self.servers:
            await server.ready()
        channels = [Channel(f"127.0.0.1:{port}") for port in self.ports]
        yield [Caller(channel.client(PinLater), "test") for channel in channels]
        for channel in channels:
            await channel.close()

    def spent(self) -> int:
        """Attempts that the servers say were spent."""
        lines = self.log.read_text().split("\n") if self.log.exists() else []
        return sum(int(line.split()[1]) for line in lines if line)

    def end(self) -> None:
        for process in (*self.workers, *self.servers):
            process.end(signal.SIGKILL)


@contextmanager
def cluster(url: str, folder: Path, skews_ms: Sequence[int]) -> Iterator[Cluster]:
    made = Cluster(url, folder, skews_ms)
    try:
        yield made
    finally:
        made.end()


async def patiently(callers: Sequence[Caller], jobs: Sequence[PinLaterJob], random: Random) -> list[str]:
    """Enqueue by any server that answers. What one that didn't answer has stored all the same is another job."""
    while True:
        try:
            return await random.choice(callers).enqueue(jobs)
        except (BackendDown, PinLaterException):
            await asyncio.sleep(0.05)


async def counts(callers: Sequence[Caller]) -> list[int]:
    while True:
        try:
            return await callers[0].counts()
        except (BackendDown, PinLaterException):
            await asyncio.sleep(0.05)


async def drained(callers: Sequence[Caller]) -> list[int]:
    """The counts once all jobs have ended."""
    while True:
        found = await counts(callers)
        if not found[PENDING] and not found[IN_PROGRESS] and found == await counts(callers):
            return found
        await asyncio.sleep(0.2)


async def looked_up(caller: Caller, jobs: Sequence[str]) -> list[PinLaterJobInfo]:
    found: list[PinLaterJobInfo] = []
    for start in range(0, len(jobs), _LOOKED_UP):
        found += await caller.lookup(*jobs[start : start + _LOOKED_UP])
    return found


async def assert_whole(caller: Caller, jobs: Sequence[str], poison: Sequence[str]) -> Counter[str]:
    """Every acknowledged job is there and ended as it must, once, with its attempts; what was seen."""
    done, failed = await looked_up(caller, jobs), await looked_up(caller, poison)
    assert len(done) == len(jobs) == len(set(jobs)) and len(failed) == len(poison)
    assert {info.jobState for info in done} == {SUCCEEDED} and {info.jobState for info in failed} <= {FAILED}
    for info in done:
        spent, failures = ATTEMPTS - info.attemptsRemaining, info.customStatus.count(handler.FAILED)
        assert info.customStatus.count(handler.DONE) == 1 and 0 <= failures <= spent, info
    for info in failed:
        assert info.attemptsRemaining == 0 and handler.DONE not in info.customStatus, info
        assert info.customStatus.count(handler.FAILED) <= POISON_ATTEMPTS, info
    spent_by_done = sum(ATTEMPTS - info.attemptsRemaining for info in done)
    failures = sum(info.customStatus.count(handler.FAILED) for info in (*done, *failed))
    return Counter(jobs=len(done) + len(failed), spent=spent_by_done + POISON_ATTEMPTS * len(failed), failures=failures)
