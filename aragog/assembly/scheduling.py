"""PinLater: in this process with its monitor, or a client of its service. And the frontier, which has no service."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from aragog.assembly.backends import FRONTIER, JOBS, open_backend
from aragog.assembly.clients import client_of
from aragog.crawl.frontier import Frontier
from aragog.crawl.queues import JobQueues
from aragog.settings import Settings
from aragog.telemetry import PinLaterLog
from pinlater import OWN_QUEUES, Monitor, PinLaterService, Rules
from pinlater.settings import Settings as PinLaterSettings
from thrift_idl.gen.pinlater.protocol import PinLater

_LEAST_CYCLE_MS = 200


@asynccontextmanager
async def pinlater_of(settings: Settings) -> AsyncIterator[PinLater]:
    """PinLater, as the settings name it. In this process it wants the data directory's lock, for its dead predecessor's
    claims are released at once."""
    if settings.pinlater.service:
        async with client_of(settings.pinlater.service, PinLater) as client:
            yield client
        return
    async with local_pinlater(settings) as service:
        await service.release_claims("")
        yield service


@asynccontextmanager
async def local_pinlater(settings: Settings) -> AsyncIterator[PinLaterService]:
    """PinLater in this process, its monitor beside it."""
    log = PinLaterLog()
    backend = await open_backend("pinlater.backend", JOBS, settings.pinlater.backend, settings)
    port = settings.pinlater.listen.rpartition(":")[2]
    owner = f"{socket.gethostname()}-{os.getpid()}:{port}:{time.time_ns() // 1_000_000}"
    admin = PinLaterSettings(admin_hash=settings.pinlater.admin_hash)
    service = PinLaterService([backend], owner, admin, telemetry=log)
    timeout_ms = settings.crawl.claim_timeout_ms
    cycle_ms = max(_LEAST_CYCLE_MS, min(OWN_QUEUES.cycle_ms, timeout_ms // 4))
    own = replace(OWN_QUEUES, claim_timeout_ms=timeout_ms, cycle_ms=cycle_ms)
    monitor = Monitor([backend], Rules({"crawl*": own, "signals": own, "inlinks": own}), telemetry=log)
    looking = asyncio.create_task(monitor.run())
    looking.add_done_callback(_tell)
    try:
        yield service
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await backend.close()


def _tell(looking: asyncio.Task[None]) -> None:
    """A monitor that ended by itself is a fault of ours: claims of dead workers no longer come back."""
    if not looking.cancelled():
        logging.getLogger("aragog").error("PinLater's monitor has ended", exc_info=looking.exception())


def dropper(settings: Settings, pinlater: PinLater, jobs: JobQueues) -> Callable[[str], Awaitable[None]]:
    """How the queue of a crawl that is over is dropped: a server wants the password, without one the queue stays."""

    async def drop(queue: str) -> None:
        if isinstance(pinlater, PinLaterService):
            await pinlater.drop_queue(queue)
        elif settings.pinlater.admin_password:
            await jobs.delete(queue, settings.pinlater.admin_password)

    return drop


@asynccontextmanager
async def frontier_of(settings: Settings) -> AsyncIterator[Frontier]:
    """The frontier."""
    frontier = await open_backend("crawl.frontier", FRONTIER, settings.crawl.frontier, settings)
    try:
        yield frontier
    finally:
        await frontier.close()
