"""Every backend, called directly and through Thrift."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pinlater import Backend, Monitor, MonitorRules, PinLaterService, QueueRules
from pinlater.backends.sqlite import SqliteBackend
from tests.support.engines import REDIS
from tests.support.pinlater_caller import OWNER, SETTINGS, Caller, Clock, Counts
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.rpc import Channel, RpcServer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture(params=["sqlite", REDIS])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    opened: Backend
    if request.param == "sqlite":
        opened = await SqliteBackend.open(f"sqlite:///{tmp_path}/jobs.sqlite")
    else:
        from pinlater.backends.redis import RedisBackend

        opened = await RedisBackend.open(request.getfixturevalue("redis_durable_url"))
    yield opened
    await opened.close()


@pytest.fixture
def direct(backend: Backend, clock: Clock, counts: Counts) -> PinLaterService:
    return PinLaterService([backend], OWNER, SETTINGS, clock, counts)


@pytest.fixture(params=["direct", "thrift"])
async def service(request: pytest.FixtureRequest, direct: PinLaterService) -> AsyncIterator[PinLater]:
    if request.param == "direct":
        yield direct
        return
    server = RpcServer(PinLater, direct)
    channel = Channel(f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
    yield channel.client(PinLater)
    await channel.close()
    await server.close(1_000)


@pytest.fixture
async def worker(service: PinLater) -> Caller:
    caller = Caller(service)
    await caller.create()
    return caller


@pytest.fixture
def monitor(backend: Backend, clock: Clock, counts: Counts) -> Monitor:
    return Monitor([backend], MonitorRules(default=QueueRules(cycle_ms=0)), clock, counts)
