"""PinLater, in this process with its monitor or as a client of its service; and the frontier, which has no service."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from aragog.assembly.backends import FRONTIER, JOBS, jobs_of_shard, open_backend
from aragog.assembly.clients import client_of
from aragog.settings import Settings
from aragog.telemetry import pinlater_telemetry, queues_measured
from crawler.frontier import Frontier
from crawler.job.job_queues import JobQueues
from pinlater import (
    OWN_QUEUES,
    Backend,
    Monitor,
    MonitorRules,
    PinLaterService,
    PinLaterTelemetry,
    queue_limits,
    shard_file,
)
from pinlater.queue_limits import LiveRules, QueueLimitsSource, Unlimited
from pinlater.settings import ServiceSettings as PinLaterSettings
from pinlater.shard import JobShard
from pinlater.shard_file import ShardEntry, adopt
from pinlater.shards import Shards
from pinlater.store_clock import StoreClock
from runtime.clock import wall_ms
from runtime.watched_file import WatchedFile
from thrift_idl.gen.pinlater.protocol import PinLater

_LEAST_CYCLE_MS = 200


@asynccontextmanager
async def pinlater_of(settings: Settings) -> AsyncIterator[PinLater]:
    """PinLater, as the settings name it. In this process it needs the data directory's lock, because the claims of its
    dead predecessor are released at once."""
    if settings.pinlater.service:
        async with client_of(settings.pinlater.service, PinLater) as client:
            yield client
        return
    async with local_pinlater(settings) as service:
        await service.release_claims("")
        yield service


@asynccontextmanager
async def visited_pinlater(settings: Settings) -> AsyncIterator[PinLater]:
    """PinLater for reading or a small change, beside its users: no claims are touched."""
    if settings.pinlater.service:
        async with client_of(settings.pinlater.service, PinLater) as client:
            yield client
        return
    async with AsyncExitStack() as stack:
        yield (await _opened(settings, stack)).service


@asynccontextmanager
async def local_pinlater(settings: Settings) -> AsyncIterator[PinLaterService]:
    """PinLater in this process, its monitor beside it."""
    async with AsyncExitStack() as stack:
        opened = await _opened(settings, stack)
        rules = LiveRules(opened.limits, _rules(settings))
        monitor = Monitor(opened.shards, rules, opened.clock, opened.telemetry)
        _beside(stack, monitor.run())
        stack.enter_context(queues_measured(settings, opened.service))
        yield opened.service


@dataclass(frozen=True, slots=True)
class _Opened:
    service: PinLaterService
    shards: Shards
    limits: QueueLimitsSource
    telemetry: PinLaterTelemetry
    clock: StoreClock


async def _opened(settings: Settings, stack: AsyncExitStack) -> _Opened:
    given, telemetry = settings.pinlater, pinlater_telemetry(settings)
    shards = await _shards(settings, telemetry, stack)
    limits: QueueLimitsSource = Unlimited()
    file = settings.path("pinlater.queues")
    if file is not None:
        limits = await WatchedFile.open(file, queue_limits.parse, telemetry)
    owner = f"{socket.gethostname()}-{os.getpid()}:{given.listen.rpartition(':')[2]}:{wall_ms()}"
    admin = PinLaterSettings(admin_hash=given.admin_hash)
    clock = StoreClock(shards, wall_ms)
    await clock.measure()
    _beside(stack, clock.run())
    service = PinLaterService(shards, owner, admin, clock, telemetry, limits=limits)
    stack.push_async_callback(service.close)
    return _Opened(service, shards, limits, telemetry, clock)


async def _shards(settings: Settings, telemetry: PinLaterTelemetry, stack: AsyncExitStack) -> Shards:
    """The one backend of the settings, or those of the file, which is watched from now on."""
    shards = Shards((), Random(), telemetry)  # noqa: S311 - spreads load, guards nothing
    stack.push_async_callback(shards.close)
    file = settings.path("pinlater.shards")
    if file is None:
        backend = await open_backend("pinlater.backend", JOBS, settings.pinlater.backend, settings)
        shards.replace([JobShard(backend, telemetry)])
        return shards

    async def open_shard(name: str, url: str) -> Backend:
        return await open_backend(f"pinlater.shards: {name}", jobs_of_shard(name), url, settings)

    async def apply(entries: Mapping[str, ShardEntry]) -> None:
        await adopt(shards, entries, open_shard, telemetry)

    watched = await WatchedFile.open(file, shard_file.parse, telemetry, apply)
    _beside(stack, watched.watch())
    return shards


def _rules(settings: Settings) -> MonitorRules:
    """The rules of Aragog's own queues, and of others."""
    timeout_ms = settings.crawl.claim_timeout_ms
    cycle_ms = max(_LEAST_CYCLE_MS, min(OWN_QUEUES.cycle_ms, timeout_ms // 4))
    own = replace(OWN_QUEUES, claim_timeout_ms=timeout_ms, cycle_ms=cycle_ms)
    return MonitorRules({"crawl*": own, "signals": own, "inlinks": own})


def _beside(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until the stack is closed."""
    task = asyncio.create_task(work)
    task.add_done_callback(_tell)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


def _tell(looking: asyncio.Task[None]) -> None:
    """Log it: a monitor that ended by itself is a fault of ours; claims of dead workers no longer come back."""
    if not looking.cancelled():
        logging.getLogger("aragog").error("PinLater's monitor or file watch has ended", exc_info=looking.exception())


def dropper(settings: Settings, pinlater: PinLater, jobs: JobQueues) -> Callable[[str], Awaitable[None]]:
    """The function that drops a finished crawl's queue: a server needs the password, without one the queue stays."""

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
