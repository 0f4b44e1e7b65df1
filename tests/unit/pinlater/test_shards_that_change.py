"""Shards that come, go, take no new jobs, break and return; and what is said while some are missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from pinlater import Backend, PinLaterService
from pinlater.backends.sqlite import SqliteBackend
from pinlater.shard import JobShard
from pinlater.shard_file import ShardEntry, adopt
from pinlater.shard_health import HealthRules
from pinlater.shards import Shards
from tests.support.pinlater_caller import (
    OWNER,
    PENDING,
    QUEUE,
    SETTINGS,
    Caller,
    Clock,
    Counts,
    Said,
    jobs_of,
    numbered,
    refused_with,
)
from thrift_idl.errors import BadConfiguration
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterQueueStatsRequest


class Store:
    """A store of shards in files, changed as a file of shards would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts, self.clock = Counts(), Clock()
        self.shards = Shards((), Random(7), self.counts)
        self.service = PinLaterService(self.shards, OWNER, SETTINGS, self.clock, self.counts, Random(7))
        self.worker = Caller(self.service)

    async def use(self, *names: str, dequeue_only: tuple[str, ...] = ()) -> None:
        entries = {name: ShardEntry(f"sqlite:///{self.folder}/{name}", name in dequeue_only) for name in names}
        await adopt(self.shards, entries, self.open, self.counts)

    async def open(self, name: str, url: str) -> Backend:
        return await SqliteBackend.open(url, shard=name)

    async def spread(self, count: int = 60) -> dict[str, list[str]]:
        """Jobs enqueued now, by their shards."""
        jobs = await self.worker.enqueue(numbered(count))
        return {name: [job for job in jobs if f":s{name}:" in job] for name in {job.split(":")[1][1:] for job in jobs}}

    async def break_down(self, name: str) -> None:
        await self.shards.by_name[name].backend.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(tmp_path)
    await made.use("1", "2")
    await made.worker.create()
    yield made
    await made.service.close()
    await made.shards.close()


async def test_a_dequeue_only_shard_takes_no_new_jobs_and_gives_those_it_has(store: Store) -> None:
    before = await store.spread()
    await store.use("1", "2", dequeue_only=("2",))
    assert set(await store.spread()) == {"1"}
    taken = await store.worker.take(200)
    assert set(before["2"]) <= set(taken)
    await store.worker.ack(done=before["2"])
    await store.use("1", "2", dequeue_only=("1", "2"))
    with refused_with(ErrorCode.ENQUEUE_REJECTED):
        await store.spread()


async def test_a_shard_that_is_added_gets_jobs_of_queues_it_never_heard_of(store: Store) -> None:
    await store.use("1", "2", "3")
    assert set(await store.spread(90)) == {"1", "2", "3"}
    assert len(await store.worker.take(200)) == 90


async def test_a_shard_that_is_added_to_a_paused_queue_keeps_it_paused(store: Store) -> None:
    await store.service.pauseQueue(store.worker.context, QUEUE, True)
    await store.use("1", "2", "3")
    await store.spread(90)
    with refused_with(ErrorCode.DEQUEUE_RATE_LIMITED):
        await store.worker.take()


async def test_a_shard_that_is_removed_is_closed_and_its_jobs_are_unknown(store: Store) -> None:
    jobs = await store.spread()
    gone = store.shards.by_name["2"].backend
    await store.use("1")
    with pytest.raises(Exception, match="closed"):
        await gone.queue_names()
    assert await store.worker.lookup(*jobs["2"]) == []
    assert await store.worker.count(PENDING) == len(jobs["1"])
    await store.use("1", "2")
    assert await store.worker.count(PENDING) == 60


async def test_a_shard_is_not_closed_under_a_call(store: Store) -> None:
    shard = store.shards.by_name["2"]
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(one: Backend) -> frozenset[str]:
        asked.set()
        await go_on.wait()
        return await one.queue_names()

    call = asyncio.create_task(shard.ask(slow))
    await asked.wait()
    leaving = asyncio.create_task(store.use("1"))
    await asyncio.sleep(0.01)
    assert not leaving.done()
    go_on.set()
    assert await call == {QUEUE}
    await leaving


async def test_a_shard_that_cannot_be_opened_leaves_everything_as_it_was(store: Store) -> None:
    (store.folder / "bad").write_text("no database, but long enough to look like one")
    with pytest.raises(BadConfiguration, match="shard bad"):
        await store.use("1", "3", "bad")
    assert set(store.shards.by_name) == {"1", "2"}
    assert set(await store.spread()) == {"1", "2"}


async def test_an_unhealthy_shard_is_left_alone_and_returns_by_itself_once_a_probe_is_answered(store: Store) -> None:
    now = [0.0]
    rules = HealthRules(failures=3, window_ms=1_000, probe_every_ms=200)
    first = store.shards.by_name["1"].backend
    broken = await SqliteBackend.open(f"sqlite:///{store.folder}/2", shard="2")
    shaky = JobShard(broken, store.counts, rules=rules, now_ms=lambda: now[0])
    store.shards.replace([JobShard(first, store.counts), shaky])
    await broken.close()
    for _ in range(3):
        await store.spread()
    assert store.counts.of["shard_unhealthy 2"] == 1
    failures = store.counts.of["shard_failed 2"]
    for _ in range(5):
        assert set(await store.spread()) == {"1"}
    assert store.counts.of["shard_failed 2"] == failures
    shaky.backend = await SqliteBackend.open(f"sqlite:///{store.folder}/2", shard="2")
    now[0] += 200
    await store.spread()
    while not shaky.well:
        await asyncio.sleep(0.01)
    assert store.counts.of["shard_well 2"] == 1
    assert set(await store.spread()) == {"1", "2"}


async def test_what_lacks_a_shard_says_which_and_what_the_others_say(store: Store) -> None:
    jobs = await store.spread()
    taken = await store.worker.take(4)
    await store.break_down("2")
    pending = len(set(jobs["1"]) - set(taken))
    with pytest.raises(Exception, match=f"shard 2 doesn't answer; the others have {pending}"):
        await store.worker.count(PENDING)
    with pytest.raises(Exception, match=f"shard 2 doesn't answer; {len(jobs['2'])} of the jobs"):
        await store.worker.lookup(*jobs["1"], *jobs["2"])
    with pytest.raises(Exception, match=r"shard 2 doesn't answer; \d+ jobs of the others were changed"):
        await store.worker.delete_jobs(PENDING)
    with pytest.raises(Exception, match="shard 2 doesn't answer; allowMissingShards"):
        await store.worker.scan(PENDING)
    page = await store.worker.scan(1, allowMissingShards=True)
    assert {info.jobDescriptor for info in page.scannedJobs} == set(taken) & set(jobs["1"])
    assert page.missingShards == ("2",)
    stats = await store.service.getQueueStats(store.worker.context, PinLaterQueueStatsRequest())
    assert stats.missingShards == ("2",)
    assert (stats.queues[0].ready, stats.queues[0].inProgress) == (0, len(set(taken) & set(jobs["1"])))


async def test_a_queue_made_while_a_shard_is_down_is_there_once_it_is_back(store: Store) -> None:
    await store.break_down("2")
    other = Caller(store.service, queue="other")
    await other.create()
    store.shards.by_name["2"].backend = await SqliteBackend.open(f"sqlite:///{store.folder}/2", shard="2")
    jobs = await other.enqueue(jobs_of(*map(str, range(40))))
    assert {job.split(":")[1] for job in jobs} == {"s1", "s2"}
    assert sorted(await other.take(100)) == sorted(jobs)


async def test_no_more_are_claimed_on_all_shards_together_than_the_cap(store: Store) -> None:
    said = Said(concurrency=5)
    worker = Caller(PinLaterService(store.shards, OWNER, SETTINGS, store.clock, store.counts, limits=said))
    await worker.enqueue(numbered(60))
    answers = await asyncio.gather(*(worker.take(3) for _ in range(6)))
    assert sum(map(len, answers)) == 5
    assert await worker.take() == []
