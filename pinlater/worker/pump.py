"""The pump: dequeue, work, ack. Every worker of ours runs this loop, for any kind of jobs.

Queues are asked in turn, a batch each, so that a huge crawl doesn't delay a small one. Heartbeats keep the claim of a
job while its work runs. Work that raises leaves its job to the claim's time-out, which counts as a loss.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pinlater.worker.backend_health import FATAL, BackendHealth
from pinlater.worker.shares import Shares
from pinlater.worker.worker_queues import ClaimedJob, WorkerQueues
from runtime.clock import monotonic_ms
from thrift_idl.errors import AragogError

Work = Coroutine[Any, Any, None]

#: A healthy round takes less; one that waits for a backend is broken off.
_LAST_ROUND_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """Work for some claimed jobs, which it acks or gives back itself."""

    held: tuple[ClaimedJob, ...]
    work: Work


@dataclass(frozen=True, slots=True)
class PumpBounds:
    """Sizes and intervals of the pump."""

    places: int = 128
    """Jobs claimed at a time."""
    batch: int = 64
    """Jobs of one queue before the next queue's turn."""
    gather_ms: int = 20
    """Pause between two rounds: places become free one by one, and one dequeue costs the same for many jobs."""
    roomy: int | None = None
    """This many free places end that pause; None = it is never cut short."""
    idle_ms: int = 250
    """Longest pause between two checks of empty queues."""
    wait_ms: int = 0
    """The wait of a dequeue for a job if there is only one queue; 0 = it is asked repeatedly. A stop waits for it."""
    flush_ms: int = 200
    heartbeat_ms: int = 8_000
    drain_ms: int = 10_000
    """The time that running work has to end after a stop; then its jobs go back."""


class Pump:
    """Moves jobs from queues to work. `names` gives the queues, `prepare` turns claimed jobs into tasks.

    `owner_of` gives a job's owner, and then each owner has a share of the places; None = first come, first served.
    """

    def __init__(
        self,
        jobs: WorkerQueues,
        health: BackendHealth,
        names: Callable[[], Awaitable[Sequence[str]]],
        prepare: Callable[[Sequence[ClaimedJob]], Awaitable[Sequence[Task]]],
        bounds: PumpBounds = PumpBounds(),
        owner_of: Callable[[ClaimedJob], str] | None = None,
    ) -> None:
        self._jobs = jobs
        self._health = health
        self._names = names
        self._prepare = prepare
        self._bounds = bounds
        self._running: dict[asyncio.Task[None], tuple[ClaimedJob, ...]] = {}
        self._held = 0
        self._owner_of = owner_of
        self._shares = Shares(bounds.places)
        self._owners: dict[ClaimedJob, str] = {}
        self._preparing: Sequence[ClaimedJob] = ()
        self._pause_over = asyncio.Event()
        self._turn = 0
        self._fatal: AragogError | None = None

    @property
    def held(self) -> int:
        """Jobs that are claimed now."""
        return self._held

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then drain. Raises errors that waiting doesn't help (full disk, a newer store)."""
        helpers = [asyncio.create_task(loop()) for loop in (self._flush_often, self._keep_up)]
        try:
            await self._rounds(stop)
        finally:
            await self._drain()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
        if self._fatal:
            raise self._fatal

    async def _rounds(self, stop: asyncio.Event) -> None:
        """Rounds until told to stop; then one that waits for a backend is broken off."""
        rounds, stopping = asyncio.ensure_future(self._until(stop)), asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((rounds, stopping), return_when=asyncio.FIRST_COMPLETED)
            self._pause_over.set()
            await asyncio.wait((rounds,), timeout=_LAST_ROUND_S + self._bounds.wait_ms / 1000)
        finally:
            for task in (rounds, stopping):
                task.cancel()
            await asyncio.wait((rounds, stopping))
        if not rounds.cancelled():
            rounds.result()

    async def _until(self, stop: asyncio.Event) -> None:
        pause_ms = self._bounds.gather_ms
        while not stop.is_set() and self._fatal is None:
            most = min(self._bounds.batch, self._free()) if self._health.well else 0
            began_ms = monotonic_ms()
            got = await self._round() if most > 0 else 0
            if got < max(most, 1):
                has_waited = 0 < self._bounds.wait_ms <= 2 * (monotonic_ms() - began_ms)
                is_empty = most > 0 and not got and not has_waited
                pause_ms = min(2 * pause_ms, self._bounds.idle_ms) if is_empty else self._bounds.gather_ms
                await self._pause(pause_ms)

    async def _pause(self, pause_ms: int) -> None:
        self._pause_over.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_ms / 1000):
                await self._pause_over.wait()

    def _free(self) -> int:
        return self._bounds.places - self.held

    async def _round(self) -> int:
        """One batch of each queue, beginning with another queue each time; returns the number of jobs."""
        try:
            names = await self._names()
            self._turn += 1
            turn = self._turn % max(len(names), 1)
            wait_ms = self._bounds.wait_ms if len(names) == 1 else 0
            return sum([await self._take(name, wait_ms) for name in (*names[turn:], *names[:turn])])
        except FATAL as error:
            self._fatal = error
        except AragogError as error:
            _log.warning("dequeuing nothing: %s", error)
            await asyncio.sleep(0.5)
        except Exception:  # a fault of ours: logged, and the next round may not have it
            _log.exception("a worker's round failed")
            await asyncio.sleep(0.5)
        return 0

    async def _take(self, name: str, wait_ms: int) -> int:
        limit = min(self._bounds.batch, self._free())
        if limit <= 0 or not self._health.well:
            return 0
        held = await self._jobs.dequeue(name, limit, wait_ms)
        admitted = held if self._owner_of is None else [each for each in held if self._has_place(each, self._owner_of)]
        if admitted:
            await self._start(admitted)
        return len(held)

    def _has_place(self, held: ClaimedJob, owner_of: Callable[[ClaimedJob], str]) -> bool:
        """True if its owner's share has a place for a job; otherwise it is given back until it may have one."""
        owner = owner_of(held)
        delay_ms = self._shares.take(owner, monotonic_ms())
        if delay_ms:
            self._jobs.give_back(held, delay_ms)
            return False
        self._owners[held] = owner
        return True

    def _leave(self, held: Sequence[ClaimedJob], ended_ms: float | None = None) -> None:
        for each in held:
            owner = self._owners.pop(each, None)
            if owner is not None:
                self._shares.leave(owner, ended_ms)

    async def _start(self, held: Sequence[ClaimedJob]) -> None:
        self._preparing = held
        try:
            tasks = await self._health.persistently(lambda: self._prepare(held))
        except BaseException as error:
            self._leave(held)
            if isinstance(error, asyncio.CancelledError):
                for each in held:
                    self._jobs.give_back(each, 0)
            raise
        finally:
            self._preparing = ()
        working = {each for task in tasks for each in task.held}
        self._leave([each for each in held if each not in working])
        for task in tasks:
            running = asyncio.create_task(task.work)
            self._running[running] = task.held
            self._held += len(task.held)
            running.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        held = self._running.pop(task)
        self._held -= len(held)
        self._leave(held, monotonic_ms())
        if self._bounds.roomy is not None and self._free() >= self._bounds.roomy:
            self._pause_over.set()
        if task.cancelled():
            for each in held:
                self._jobs.give_back(each, 0)
            return
        error = task.exception()
        if isinstance(error, FATAL):
            self._fatal = error
        elif error is not None:  # the claims time out: a loss each
            _log.error("work on %d jobs failed: %r", len(held), error, exc_info=error)

    async def _flush_often(self) -> None:
        while True:
            await asyncio.sleep(self._bounds.flush_ms / 1000)
            await self._quietly(self._jobs.flush)

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(self._bounds.heartbeat_ms / 1000)
            held = [each for some in (*self._running.values(), self._preparing) for each in some]
            await self._quietly(lambda: self._jobs.heartbeat(held))  # noqa: B023 - awaited within this turn

    async def _quietly(self, call: Callable[[], Awaitable[None]]) -> None:
        """Ignore errors that the next turn of a loop corrects."""
        try:
            await call()
        except FATAL as error:
            self._fatal = error
        except AragogError as error:
            _log.warning("%s", error)
        except Exception:  # a fault of ours: logged; the loop goes on, or every claim would be lost
            _log.exception("a worker's loop failed")

    async def _drain(self) -> None:
        if self._running and self._fatal is None:
            await asyncio.wait(self._running, timeout=self._bounds.drain_ms / 1000)
        left = tuple(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._quietly(self._jobs.flush)
