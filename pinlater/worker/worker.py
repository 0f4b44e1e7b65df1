"""A worker for one queue, made from one async function."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence

from pinlater.worker.backend_health import BackendHealth
from pinlater.worker.handling import Handler, Handling, Retries
from pinlater.worker.pump import Pump, PumpBounds
from pinlater.worker.worker_queues import ClaimedJob, WorkerQueues
from thrift_idl.gen.pinlater.protocol import PinLater

DEFAULT_RETRIES = Retries()
_GATHER_MS = 5
_WAIT_MS = 1_000


class Worker:
    """Runs a handler over a queue's jobs, many at a time.

    A job is acked once its handler returns. One that raises has failed an attempt and comes again with a growing,
    jittered delay, until its attempts are spent; one that raises `Later` comes again and spends none. Delivery is at
    least once: a handler's effects must be repeatable.
    """

    def __init__(
        self,
        pinlater: PinLater,
        queue: str,
        handler: Handler,
        *,
        source: str = "",
        concurrency: int = 32,
        deadline_ms: int = 300_000,
        heartbeat_ms: int = 8_000,
        drain_ms: int = 10_000,
        retries: Retries = DEFAULT_RETRIES,
        owner_of: Callable[[ClaimedJob], str] | None = None,
    ) -> None:
        """`pinlater` is a client or the service itself; `source` is a unique name of this worker.

        A handler gets `deadline_ms`, then it is cancelled and the attempt has failed. `heartbeat_ms` must be well
        below the queue's claim time-out. After a stop, running work gets `drain_ms` to end. `owner_of` gives
        a job's owner, for instance a customer: then each has a share of the concurrency, and slow jobs of one wait
        behind the others'.
        """
        source = source or f"worker-{socket.gethostname()}-{os.getpid()}"
        self._queue = queue
        self._queues = WorkerQueues(pinlater, source)
        self._stop = asyncio.Event()
        handling = Handling(handler, self._queues, deadline_ms, retries)
        bounds = PumpBounds(
            places=concurrency,
            batch=concurrency,
            gather_ms=_GATHER_MS,
            roomy=max(1, concurrency // 2),
            wait_ms=_WAIT_MS,
            heartbeat_ms=heartbeat_ms,
            drain_ms=drain_ms,
        )
        self._pump = Pump(self._queues, BackendHealth(), self._names, handling.prepare, bounds, owner_of)

    async def checkpoint(self, held: ClaimedJob, body: bytes) -> None:
        """Save the progress of a job: its next worker gets this body (UTF-8). Raises `BackendDown`."""
        await self._queues.keep(held, body)

    async def run(self) -> None:
        """Work until `stop`. An absent server is waited for. Raises errors that waiting doesn't help (a full disk)."""
        await self._pump.run(self._stop)

    async def run_until_signalled(self) -> None:
        """Work until SIGTERM or SIGINT, or `stop`."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        try:
            await self.run()
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Dequeue no more, let running work end, then give the rest back with all its attempts."""
        self._stop.set()

    async def _names(self) -> Sequence[str]:
        return (self._queue,)
