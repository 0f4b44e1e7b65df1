"""The connection is cut in the middle of acks, before or after the server has done them: each is applied once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from pinlater import PinLaterService
from pinlater.worker import ClaimedJob, Retries, Worker
from tests.faults.pinlater.cutting import Cutter
from tests.faults.pinlater.worker import open_backend
from tests.support.engines import REDIS
from tests.support.pinlater_caller import OWNER, QUEUE, Caller, Counts, numbered
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.rpc import Channel, ClientLimits, RpcServer

JOBS = 40
ATTEMPTS = 5


@pytest.mark.parametrize("kind", ["sqlite", REDIS])
async def test_an_ack_cut_off_is_sent_again_and_applied_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = f"sqlite:///{tmp_path}/jobs.sqlite"
    backend = await open_backend(sqlite if kind == "sqlite" else request.getfixturevalue("redis_durable_url"))
    counts, random = Counts(), Random(3)
    service = PinLaterService([backend], OWNER, telemetry=counts)
    server = RpcServer(PinLater, service)
    caller = Caller(service)
    await caller.create()
    jobs = await caller.enqueue(numbered(JOBS, numAttemptsAllowed=ATTEMPTS))

    async def handle(job: ClaimedJob) -> str:
        """Each job fails once, then succeeds; slow enough for acks to be sent by themselves."""
        await asyncio.sleep(random.uniform(0, 0.1))
        if not job.lost:
            raise RuntimeError("first try")
        return "done;"

    cutter = Cutter(await server.start("127.0.0.1", 0), f"{QUEUE}:s1:p1:".encode(), b"job_body", random)
    async with cutter.address() as address:
        # A call at a time, for the cutter pairs calls with answers. Answers with jobs come through: no claim is lost.
        channel = Channel(address, ClientLimits(connections=1, connection_calls=1))
        retries = Retries(first_ms=1, longest_ms=1)
        worker = Worker(channel.client(PinLater), QUEUE, handle, concurrency=6, retries=retries)
        running = asyncio.create_task(worker.run())
        while await caller.counts() != [0, 0, JOBS, 0]:
            await asyncio.sleep(0.05)
        worker.stop()
        await running
        await channel.close()
    assert cutter.lost_calls > 0 and cutter.lost_answers > 0
    for info in await caller.lookup(*jobs):
        assert info.attemptsRemaining == ATTEMPTS - 1
        assert info.customStatus == "RuntimeError: first try\ndone;"
    assert (counts.of["ack_succeeded"], counts.of["ack_failed"]) == (JOBS, JOBS)
    assert counts.of["ack_noop"] > 0
    await service.close()
    await server.close(1_000)
    await backend.close()
