"""Several Redis as one store, as the file of shards names them: one of them isn't there."""

from __future__ import annotations

from random import Random

from pinlater import Backend, PinLaterService
from pinlater.backends.redis import RedisBackend
from pinlater.shard_file import ShardEntry, adopt
from pinlater.shards import Shards
from tests.support.pinlater_caller import OWNER, PENDING, QUEUE, SETTINGS, Caller, Counts, numbered, refused_with
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterQueueStatsRequest

NOWHERE = "redis://127.0.0.1:1/0"


async def open_shard(name: str, url: str) -> Backend:
    return await RedisBackend.open(url, shard=name, ask=False)


async def test_a_redis_that_is_not_there_at_the_start_is_routed_around_and_joins_once_it_is(
    redis_durable_url: str,
) -> None:
    counts = Counts()
    shards = Shards((), Random(3), counts)
    urls = {"1": f"{redis_durable_url}?prefix=one", "2": f"{redis_durable_url}?prefix=two", "3": NOWHERE}
    await adopt(shards, {name: ShardEntry(url) for name, url in urls.items()}, open_shard, counts)
    service = PinLaterService(shards, OWNER, SETTINGS, telemetry=counts)
    worker = Caller(service)
    await worker.create()
    for _ in range(5):
        await worker.enqueue(numbered(20))
    assert counts.of["shard_unhealthy 3"] == 1
    stats = await service.getQueueStats(worker.context, PinLaterQueueStatsRequest((QUEUE,)))
    assert (stats.queues[0].ready, stats.missingShards) == (100, ("3",))
    with refused_with(ErrorCode.SHARD_CONNECTION_FAILED):
        await worker.count(PENDING)
    taken = await worker.take(200)
    assert {job.split(":")[1] for job in taken} == {"s1", "s2"} and len(taken) == 100
    await worker.ack(done=taken)
    urls["3"] = f"{redis_durable_url}?prefix=three"
    await adopt(shards, {name: ShardEntry(url) for name, url in urls.items()}, open_shard, counts)
    assert {job.split(":")[1] for job in await worker.enqueue(numbered(60))} == {"s1", "s2", "s3"}
    assert await worker.counts() == [60, 0, 100, 0]
    await service.drop_queue(QUEUE)
    await service.close()
    await shards.close()
