"""Jobs a second on both backends, on one and two shards, beside dramatiq and arq.

`python -m benchmarks.pinlater [--queued 1000 1000000] [--steps 400] [--only sqlite redis shards peers] [--thrift]`

Jobs are enqueued 1,000 at a time and one by one; dequeued 100 at a time with the acks of the last batch riding along.
The queues of every depth stand in the same store and are asked in turn, each kept at its depth, so that what disturbs
one disturbs all. Peers (in an environment of their own, made by the first run) have 5,000 jobs that do nothing, on a
Redis of the same settings (AOF, fsync every second), and so has our worker. Work shares the machine: CPU time of this
process, and of Redis, stands beside the clock.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from redis import Redis

from benchmarks.peer_environment import environment
from benchmarks.pinlater_load import CONTEXT, Measure, Taker, enqueue, enqueue_one_by_one, work
from deploy.engines import Engine, private
from pinlater import Backend, PinLaterService
from pinlater.backends.redis import RedisBackend
from pinlater.backends.sqlite import SqliteBackend
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.rpc import Channel, RpcServer, run

PEERS = ("dramatiq[redis]==2.2.1", "arq==0.28.0")
SMALL_JOBS = 5_000 // 64 * 64


@asynccontextmanager
async def through_thrift(service: PinLater, thrift: bool) -> AsyncIterator[PinLater]:
    if not thrift:
        yield service
        return
    server = RpcServer(PinLater, service)
    channel = Channel(f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
    yield channel.client(PinLater)
    await channel.close()
    await server.close(1_000)


async def depths(name: str, service: PinLater, queued: Sequence[int], steps: int, servers: Sequence[Redis]) -> None:
    """Enqueue to every depth, then dequeue from all in turn."""
    takers: dict[int, Taker] = {}
    for depth in queued:
        takers[depth] = Taker(service, f"deep{depth}", Measure(servers))
        await service.createQueue(CONTEXT, f"deep{depth}")
        enqueued = Measure(servers)
        await enqueue(service, f"deep{depth}", depth, enqueued)
        print(enqueued.line(f"{name}: enqueue to {depth:,}"), flush=True)
    for _ in range(steps):
        for taker in takers.values():
            await taker.step()
    for depth, taker in takers.items():
        print(taker.measure.line(f"{name}: dequeue + ack at {depth:,}"), flush=True)
    first, last = takers[min(queued)].measure.p99_ms, takers[max(queued)].measure.p99_ms
    print(f"{name}: p99 at {max(queued):,} is {last / first:.2f} times that at {min(queued):,}", flush=True)


async def small_jobs(name: str, service: PinLater, servers: Sequence[Redis]) -> None:
    """As the peers have them."""
    await service.createQueue(CONTEXT, "small")
    enqueued, worked = Measure(servers), Measure(servers)
    await enqueue_one_by_one(service, "small", SMALL_JOBS, enqueued)
    await work(service, "small", SMALL_JOBS, worked)
    print(enqueued.line(f"{name}: enqueue one by one"))
    print(worked.line(f"{name}: worker, no-op jobs"), flush=True)


async def ours(name: str, backends: Sequence[Backend], given: argparse.Namespace, servers: Sequence[Redis]) -> None:
    direct = PinLaterService(backends, "benchmark:0:0")
    async with through_thrift(direct, given.thrift) as service:
        await small_jobs(name, service, servers)
        await depths(name, service, given.queued, given.steps, servers)
    await direct.close()
    for backend in backends:
        await backend.close()


async def on_redis(name: str, shards: int, given: argparse.Namespace) -> None:
    with ExitStack() as stack:
        engines = [started(stack) for _ in range(shards)]
        servers = [Redis(engine.host, engine.port) for engine in engines]
        backends = [await RedisBackend.open(engine.url, shard=f"{at + 1}") for at, engine in enumerate(engines)]
        await ours(name, backends, given, servers)
        used = sum(server.info("memory")["used_memory"] for server in servers)
        print(f"{name}: {used / 2**20:,.0f} MiB in the end")


def started(stack: ExitStack) -> Engine:
    engine = private("redis-durable")
    stack.callback(engine.wipe)
    engine.start()
    Redis(engine.host, engine.port).config_set("maxmemory", 0)  # what is enough for tests isn't for 1 M jobs
    return engine


def peers() -> None:
    python = environment("queues", PEERS) / "bin/python"
    for name in ("dramatiq", "arq"):
        with ExitStack() as stack:
            port = started(stack).port
            command = [str(python), str(Path(__file__).with_name("pinlater_peer.py")), name, str(port), str(SMALL_JOBS)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        rates = [f"{float(rate):9,.0f}" for rate in done.stdout.split()]
        print(f"{name + ': enqueue one by one':34} {rates[0]} a second, {rates[1]} a CPU second")
        print(f"{name + ': worker, no-op jobs':34} {rates[2]} a second, {rates[3]} a CPU second", flush=True)


async def main(given: argparse.Namespace) -> None:
    if "sqlite" in given.only:
        with tempfile.TemporaryDirectory() as folder:
            backend = await SqliteBackend.open(f"sqlite:///{Path(folder)}/jobs.sqlite")
            await ours("SQLite", [backend], given, ())
    if "redis" in given.only:
        await on_redis("Redis", 1, given)
    if "shards" in given.only:
        await on_redis("two Redis", 2, given)
    if "peers" in given.only:
        peers()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queued", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--only", nargs="+", default=["sqlite", "redis", "shards", "peers"])
    parser.add_argument("--thrift", action="store_true", help="through a server in this process")
    run(main(parser.parse_args()))
