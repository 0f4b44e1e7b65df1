"""A full disk, and a Redis out of memory: new jobs are refused with a clear error, those that are there go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from deploy.engines import Engine
from pinlater import PinLaterService
from pinlater.backends.redis import RedisBackend
from pinlater.backends.sqlite import SqliteBackend
from tests.support.pinlater_caller import OWNER, SUCCEEDED, Caller, refused_with
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterException, PinLaterJob


async def fill(worker: Caller) -> list[str]:
    """Enqueue until that is refused; what was acknowledged."""
    jobs: list[str] = []
    with refused_with(ErrorCode.ENQUEUE_REJECTED) as refused:
        for _ in range(10_000):
            jobs += await worker.enqueue([PinLaterJob(bytes(10_000)) for _ in range(10)])
    assert "room" in refused.value.message
    return jobs


async def test_a_full_disk_refuses_new_jobs_and_keeps_the_others(small_disk: Path) -> None:
    backend = await SqliteBackend.open(f"sqlite:///{small_disk}/jobs.sqlite")
    worker = Caller(PinLaterService([backend], OWNER))
    await worker.create()
    jobs = await fill(worker)
    assert len(await worker.lookup(*jobs)) == len(jobs) == sum(await worker.counts())
    with pytest.raises(PinLaterException):
        await worker.enqueue([PinLaterJob(bytes(10_000)) for _ in range(10)])
    await backend.close()


async def test_a_redis_out_of_memory_refuses_new_jobs_and_serves_the_others(private_redis: Engine) -> None:
    Redis(private_redis.host, private_redis.port).config_set("maxmemory", "20mb")
    backend = await RedisBackend.open(private_redis.url)
    worker = Caller(PinLaterService([backend], OWNER))
    await worker.create()
    jobs = await fill(worker)
    taken = await worker.take(2_000)
    await worker.ack(done=taken)
    assert (await worker.counts())[SUCCEEDED] == len(taken) > 0
    assert await worker.delete_jobs(SUCCEEDED) == len(taken)
    assert len(await worker.enqueue([PinLaterJob(b"there is room again")])) == 1
    assert len(await worker.lookup(*jobs)) == len(jobs) - len(taken)
    await backend.close()
