"""The monitor's numbers, and how far one cycle goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pinlater import OWN_QUEUES, Backend, Monitor, MonitorRules, PinLaterService, QueueRules
from pinlater.backends.sqlite import SqliteBackend
from pinlater.monitor_rules import Cutoffs, cutoffs
from tests.support.pinlater_caller import OWNER, SETTINGS, SUCCEEDED, Caller, Clock, Counts, numbered

HOUR_MS = 3_600_000


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    opened = await SqliteBackend.open(f"sqlite:///{tmp_path}/jobs.sqlite")
    yield opened
    await opened.close()


def test_the_defaults_are_the_contracts() -> None:
    rules = QueueRules()
    assert (rules.claim_timeout_ms, rules.cycle_ms, rules.updates) == (600_000, 120_000, 1_000)
    assert (rules.keep_succeeded_ms, rules.keep_failed_ms) == (24 * HOUR_MS, 168 * HOUR_MS)


def test_own_queues_have_short_claims_and_no_bound() -> None:
    assert (OWN_QUEUES.claim_timeout_ms, OWN_QUEUES.updates) == (30_000, None)


def test_cutoffs_lie_before_now_by_what_the_rules_say() -> None:
    assert cutoffs(QueueRules(10, 200, 3_000), 10_000) == Cutoffs(9_990, 9_800, 7_000)


def test_the_first_pattern_that_a_queues_name_matches_wins() -> None:
    own, other = QueueRules(1), QueueRules(2)
    rules = MonitorRules({"crawl*": own, "*": other})
    assert (rules.of("crawl_7"), rules.of("signals")) == (own, other)
    assert MonitorRules({"crawl*": own}).of("signals") == QueueRules()


def test_somebody_looks_as_often_as_the_shortest_cycle() -> None:
    assert MonitorRules({"crawl*": QueueRules(cycle_ms=7)}).shortest_cycle_ms == 7


async def lose(worker: Caller, count: int) -> None:
    await worker.create()
    await worker.enqueue(numbered(count))
    await worker.take(count)


@pytest.mark.parametrize(("bound", "left"), [(1_000, 500), (None, 0)])
async def test_a_cycle_changes_no_more_jobs_than_its_bound(backend: Backend, bound: int | None, left: int) -> None:
    clock, counts = Clock(), Counts()
    worker = Caller(PinLaterService([backend], OWNER, SETTINGS, clock, counts))
    await lose(worker, 1_500)
    clock.ms += 600_001
    await Monitor([backend], MonitorRules(default=QueueRules(updates=bound)), clock, counts).look_after_all()
    assert (await worker.counts())[1] == left


async def test_a_queue_is_left_alone_until_its_cycle_has_passed(backend: Backend) -> None:
    clock, counts = Clock(), Counts()
    worker = Caller(PinLaterService([backend], OWNER, SETTINGS, clock, counts))
    monitor = Monitor([backend], MonitorRules(default=QueueRules(claim_timeout_ms=10)), clock, counts)
    await lose(worker, 1)
    await monitor.look_after_all()
    clock.ms += 119_999
    await monitor.look_after_all()
    assert (await worker.counts())[1] == 1
    clock.ms += 1
    await monitor.look_after_all()
    assert (await worker.counts())[1] == 0


async def test_what_a_deleted_queue_leaves_behind_is_swept(backend: Backend) -> None:
    clock, counts = Clock(), Counts()
    service = PinLaterService([backend], OWNER, SETTINGS, clock, counts)
    await lose(Caller(service), 2_500)
    await service.drop_queue("work")
    await Monitor([backend], now_ms=clock).look_after_all()
    assert await backend.sweep(1) == 0


async def test_the_loop_goes_on_while_a_shard_is_down(backend: Backend, tmp_path: Path) -> None:
    counts = Counts()
    dead = await SqliteBackend.open(f"sqlite:///{tmp_path}/dead.sqlite", shard="dead")
    await dead.close()
    worker = Caller(PinLaterService([backend], OWNER, SETTINGS, telemetry=counts))
    await worker.create()
    await worker.enqueue(numbered(3))
    await worker.ack(done=await worker.take(3))
    rules = MonitorRules(default=QueueRules(keep_succeeded_ms=-1_000, cycle_ms=1))
    running = asyncio.create_task(Monitor([dead, backend], rules, telemetry=counts).run())
    async with asyncio.timeout(30):
        while await worker.count(SUCCEEDED):
            await asyncio.sleep(0.005)
    running.cancel()
    assert counts.of["shard_failed dead"] >= 1


async def test_claims_that_nobody_could_keep_up_have_all_their_time_from_the_start_of_the_loop(
    backend: Backend,
) -> None:
    clock, counts = Clock(), Counts()
    worker = Caller(PinLaterService([backend], OWNER, SETTINGS, clock, counts))
    await lose(worker, 1)
    clock.ms += 3_600_000  # the server was down
    rules = MonitorRules(default=QueueRules(claim_timeout_ms=30_000, keep_succeeded_ms=-1_000, cycle_ms=1))
    await worker.enqueue(numbered(1))
    await worker.ack(done=await worker.take(1))
    running = asyncio.create_task(Monitor([backend], rules, clock, counts).run())
    async with asyncio.timeout(30):
        while await worker.count(SUCCEEDED):
            clock.ms += 1
            await asyncio.sleep(0.005)
        assert (await worker.counts())[1] == 1
        clock.ms += 30_000
        while (await worker.counts())[1]:
            clock.ms += 1
            await asyncio.sleep(0.005)
    running.cancel()
