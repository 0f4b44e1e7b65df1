"""The limiter as processes: batches over Thrift by CPU time of each side, one call to an idle pool, one and two shards.

Shards, client and machine share two cores here, so that the wall clock can't show what a second shard adds; what a
shard's core can decide, and how evenly two share the work, shows it.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from aragog.assembly.clients import pool_of
from tests.support.pool_processes import Pool
from tests.support.processes import environment
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest, ReserveRequest

CONTEXT = Context("benchmark")
BATCH, AT_ONCE = 500, 4
DOMAINS, CALLS = 100_000, 5_000
SETTLED_S = 2.0


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def pooled(names: str) -> None:
    """A pool of these shards, their state in files and a ledger written, as `aragog serve` has it."""
    with TemporaryDirectory() as folder:
        pool = Pool(Path(folder), environment(data_dir=folder))
        for name in names:
            pool.add(name)
        pool.name(names)
        try:
            await asyncio.gather(*(asyncio.to_thread(shard.start, "ratelimiter") for shard in pool.shards.values()))
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(pool_of(pool.file, 30_000))
                await asyncio.sleep(SETTLED_S)
                await batches(client, [shard.pid for shard in pool.shards.values()])
                await single(client, len(names))
        finally:
            pool.end()


async def batches(client: RateLimiter, pids: list[int]) -> None:
    wishes = [Reservation(f"d{number}.com", f"www.d{number}.com") for number in range(DOMAINS)]
    requests = [
        ReserveBatchRequest(CONTEXT, tuple(wishes[start : start + BATCH])) for start in range(0, DOMAINS, BATCH)
    ]
    before = [cpu_s(pid) for pid in pids]
    began, ours, waiting = time.perf_counter(), time.process_time(), iter(requests)

    async def ask() -> None:
        for request in waiting:
            await client.reserve_batch(request)

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    wall, ours = time.perf_counter() - began, time.process_time() - ours
    busiest = max(cpu_s(pid) - earlier for pid, earlier in zip(pids, before, strict=True))
    what = f"{len(pids)} shard{'s' if len(pids) > 1 else ''}, batches of {BATCH}"
    print(f"{what}: {DOMAINS / busiest:,.0f} domains/s a core of each shard's")
    print(f"{what}: {DOMAINS / ours:,.0f} domains/s a core of the client's")
    print(f"{what}: {DOMAINS / wall:,.0f} domains/s by the wall clock, all on this machine")


async def single(client: RateLimiter, shards: int) -> None:
    durations = []
    for number in range(CALLS):
        request = ReserveRequest(CONTEXT, Reservation(f"s{number}.com", f"www.s{number}.com"))
        began = time.perf_counter()
        await client.reserve(request)
        durations.append(time.perf_counter() - began)
    durations.sort()
    p50, p99 = durations[CALLS // 2] * 1e3, durations[CALLS * 99 // 100] * 1e3
    print(f"{shards} idle shard{'s' if shards > 1 else ''}, one call: p50 {p50:.3f} ms, p99 {p99:.3f} ms")
