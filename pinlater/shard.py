"""One shard of several: its backend, its state, whether it takes new jobs, and the time when it may be closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pinlater.backends import Backend
from pinlater.shard_health import DEFAULTS, HealthRules, ShardHealth
from pinlater.telemetry import PinLaterTelemetry
from runtime.clock import monotonic_ms
from thrift_idl.errors import BackendDown, DiskFull

T = TypeVar("T")
Ask = Callable[[Backend], Awaitable[T]]


class JobShard:
    """Calls its backend, and notes the results. A full disk is no bad health: stored jobs are still served."""

    def __init__(
        self,
        backend: Backend,
        telemetry: PinLaterTelemetry,
        *,
        url: str = "",
        dequeue_only: bool = False,
        rules: HealthRules = DEFAULTS,
        now_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        self.backend = backend
        self.url = url
        self.dequeue_only = dequeue_only
        self._telemetry = telemetry
        self._health = ShardHealth(rules)
        self._now_ms = now_ms
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._probe: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The name in descriptors."""
        return self.backend.shard

    @property
    def well(self) -> bool:
        """True if it is worth asking. If it isn't, this starts a probe now and then."""
        if self._health.wants_probe(self._now_ms()):
            self._probe = asyncio.create_task(self.probe())
        return self._health.well

    async def probe(self) -> None:
        """Ask for something small: an answer makes the shard healthy again."""
        try:
            await self.ask(lambda one: one.queue_names())
        except BackendDown:
            return

    async def ask(self, ask: Ask[T]) -> T:
        """The backend's answer. Raises the backend's errors."""
        self._busy += 1
        self._idle.clear()
        try:
            answer = await ask(self.backend)
        except DiskFull:
            raise
        except BackendDown as error:
            self._telemetry.shard_failed(self.name, str(error))
            if self._health.failed(str(error), self._now_ms()):
                self._telemetry.shard_unhealthy(self.name)
            raise
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()
        if self._health.answered():
            self._telemetry.shard_well(self.name)
        return answer

    def down(self) -> BackendDown:
        """The error for callers that need this shard while it is unhealthy."""
        return BackendDown(f"shard {self.name} doesn't answer: {self._health.reason}")

    async def close(self) -> None:
        """Close the backend once no call uses it any more."""
        if self._probe is not None:
            self._probe.cancel()
        await self._idle.wait()
        await self.backend.close()
