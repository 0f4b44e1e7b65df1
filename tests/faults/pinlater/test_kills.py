"""Workers and Redis are killed with SIGKILL at any point: no acknowledged job is lost, none succeeds twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from deploy.engines import Engine
from pinlater import Backend, Monitor
from tests.faults.pinlater.worker import ATTEMPTS, RULES, Log, Worker, open_backend
from tests.support.engines import REDIS
from tests.support.pinlater_caller import FAILED, IN_PROGRESS, SUCCEEDED

pytestmark = pytest.mark.timeout(900)
ROUNDS = 200 if os.environ.get("ARAGOG_TORTURE") else 6


@contextmanager
def worker(url: str, log: Path, seed: str) -> Iterator[subprocess.Popen[str]]:
    """A worker process, until it is killed."""
    command = [sys.executable, "-m", "tests.faults.pinlater.worker", url, str(log), seed]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "running\n"
        yield process
    finally:
        process.kill()
        process.wait()


def written(log: Path, what: str) -> list[str]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.removeprefix(f"{what} ") for line in lines if line.startswith(f"{what} ")]


async def drain(url: str, log: Path) -> tuple[Backend, Worker]:
    """Work until nothing is left, those jobs too whose workers are dead."""
    backend = await open_backend(url)
    last = Worker(backend, Log(str(log)), "last")
    monitor = Monitor([backend], RULES)
    while True:
        await monitor.look_after_all()
        dequeued = await last.work(Random(0), always=True)
        if not dequeued and not (await last.caller.counts())[IN_PROGRESS]:
            return backend, last
        await asyncio.sleep(0 if dequeued else 0.02)


async def assert_nothing_lost(url: str, log: Path) -> None:
    backend, last = await drain(url, log)
    enqueued, succeeded = written(log, "enqueued"), written(log, "succeeded")
    assert len(set(enqueued)) == len(enqueued) > 0
    assert len(set(succeeded)) == len(succeeded) > 0
    found = await last.caller.lookup(*enqueued)
    assert {info.jobState for info in found} == {SUCCEEDED}
    assert len(found) == len(enqueued)
    assert all(1 <= info.attemptsRemaining <= ATTEMPTS for info in found)
    counts = await last.caller.counts()
    assert counts[FAILED] == 0 and counts[SUCCEEDED] >= len(enqueued)
    await backend.close()


async def kill_workers(url: str, log: Path) -> None:
    """Two workers at a time, one of which is killed and replaced."""
    random = Random(20)
    with worker(url, log, "steady"):
        for place in range(ROUNDS):
            with worker(url, log, f"{place}"):
                await asyncio.sleep(random.uniform(0.02, 0.25))
    await assert_nothing_lost(url, log)


async def test_killed_workers_on_sqlite_lose_nothing_and_succeed_once(tmp_path: Path) -> None:
    await kill_workers(f"sqlite:///{tmp_path}/jobs.sqlite", tmp_path / "log")


async def test_killed_workers_on_redis_lose_nothing_and_succeed_once(redis_durable_url: str, tmp_path: Path) -> None:
    await kill_workers(redis_durable_url, tmp_path / "log")


async def test_a_killed_redis_keeps_every_acknowledged_job(private_redis: Engine, tmp_path: Path) -> None:
    url, log, random = private_redis.url, tmp_path / "log", Random(30)
    with worker(url, log, "steady"):
        for _ in range(max(3, ROUNDS // 4)):
            await asyncio.sleep(random.uniform(0.1, 0.3))
            await asyncio.to_thread(private_redis.kill)
            await asyncio.to_thread(private_redis.start)
    await assert_nothing_lost(url, log)


@pytest.mark.parametrize("kind", ["sqlite", REDIS])
async def test_the_claims_of_a_killed_worker_come_back(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = f"sqlite:///{tmp_path}/jobs.sqlite"
    url = sqlite if kind == "sqlite" else request.getfixturevalue("redis_durable_url")
    log = tmp_path / "log"
    with worker(url, log, "dead"):
        await asyncio.sleep(0.2)
    backend = await open_backend(url)
    living = Worker(backend, Log(str(log)), "living")
    before = await living.caller.counts()
    assert before[IN_PROGRESS] > 0  # those that it forgot, at least
    await asyncio.sleep(RULES.default.claim_timeout_ms / 1000)
    await Monitor([backend], RULES).look_after_all()
    after = await living.caller.counts()
    assert after == [before[0] + before[IN_PROGRESS], 0, *before[2:]]
    await backend.close()
