"""A worker's pause while a backend of ours is down: it dequeues nothing, keeps its jobs, and probes the backend."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from runtime.backoff import Backoff
from thrift_idl.errors import BackendDown, DiskFull, StoreTooNew, StoreUnreadable

T = TypeVar("T")

#: Waiting doesn't help against these: the worker stops and says what to do.
FATAL = (DiskFull, StoreTooNew, StoreUnreadable)
_WAITS = Backoff(first_ms=100, longest_ms=2_000, jitter=0)

_log = logging.getLogger(__name__)


class BackendHealth:
    """The number of calls that wait for a backend now. One for all work of a worker."""

    def __init__(self) -> None:
        self._waiting = 0
        self.last_error = ""

    @property
    def well(self) -> bool:
        """True if no call waits: only then are jobs dequeued."""
        return self._waiting == 0

    async def persistently(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of `call`, repeated as long as it raises `BackendDown`: it must be repeatable.

        Raises at once if waiting doesn't help: `FATAL`, and every other error.
        """
        try:
            return await call()
        except FATAL:
            raise
        except BackendDown as error:
            _log.warning("waiting for a backend: %s", error)
            self.last_error = str(error)
        self._waiting += 1
        try:
            return await self._until_it_answers(call)
        finally:
            self._waiting -= 1

    async def _until_it_answers(self, call: Callable[[], Awaitable[T]]) -> T:
        failures = 1
        while True:
            await asyncio.sleep(_WAITS.delay_ms(failures) / 1000)
            failures += 1
            try:
                return await call()
            except FATAL:
                raise
            except BackendDown as error:
                self.last_error = str(error)
