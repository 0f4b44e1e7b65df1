"""Speed of the rate limiter's decisions: `python -m benchmarks.ratelimiter`. One event loop, uvloop.

Reservations a second with the state in memory and in files, beside throttled-py, limits and pyrate-limiter (each in an
environment of its own under .bench/, made by the first run); over Redis beside a plain GCRA in Lua; as processes, one
shard and two; recovery of the files, and what the table of a million domains takes. Times in this process are of CPU.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from benchmarks.limiter_pool import pooled
from benchmarks.limiter_redis import over_redis
from benchmarks.peer_environment import environment
from ratelimiter import FileState, LimitsInForce, MemoryState, RateLimiterService, StateBackend
from ratelimiter.state import state_key
from ratelimiter.table import PackedTable
from runtime.clock import monotonic_ms
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest, ReserveRequest

CONTEXT = Context("benchmark")
DOMAINS = 100_000
BATCH = 500
PEERS = ("throttled-py==3.5.0", "limits==5.8.0", "pyrate-limiter==4.5.1")
PEER_DOMAINS = 20_000


def say(what: str, count: int, seconds: float) -> None:
    print(f"{what:<44} {count / seconds:>12,.0f} /s {seconds / count * 1e6:>9.2f} us")


async def timed(what: str, count: int, work: Callable[[], Awaitable[None]]) -> None:
    began = time.process_time()
    await work()
    say(what, count, time.process_time() - began)


async def one_by_one(service: RateLimiter, requests: list[ReserveRequest]) -> None:
    for request in requests:
        await service.reserve(request)


async def batched(service: RateLimiter, requests: list[ReserveBatchRequest]) -> None:
    for request in requests:
        await service.reserve_batch(request)


async def in_process(name: str, state: StateBackend, wishes: list[Reservation]) -> None:
    service = RateLimiterService(state, await LimitsInForce.open())
    each = [ReserveRequest(CONTEXT, wish) for wish in wishes]
    await timed(f"{name}: new domains", len(each), lambda: one_by_one(service, each))
    await timed(f"{name}: known domains", len(each), lambda: one_by_one(service, each))
    busy = each[:10] * (len(each) // 10)
    await timed(f"{name}: ten busy domains, refused", len(busy), lambda: one_by_one(service, busy))
    starts = range(0, len(wishes), BATCH)
    batches = [ReserveBatchRequest(CONTEXT, tuple(wishes[start : start + BATCH])) for start in starts]
    await timed(f"{name}: batches of {BATCH}", len(wishes), lambda: batched(service, batches))


def peers() -> None:
    """The same decisions, of known keys, by others."""
    python = environment("limiters", PEERS) / "bin/python"
    subprocess.run([python, Path(__file__).parent / "limiter_peer.py", str(PEER_DOMAINS)], check=True)


def memory(domains: int) -> None:
    table = PackedTable()
    began, slowest = time.perf_counter(), 0.0
    for number in range(domains):
        key, put = state_key(f"d{number}.com"), time.perf_counter()
        table.put(key, 1e6)
        slowest = max(slowest, time.perf_counter() - put)
    say(f"table: {domains:,} puts", domains, time.perf_counter() - began)
    places = sum(len(part.keys) for part in table.parts)
    print(f"table: {16 * places / domains:.1f} bytes a domain; slowest put {slowest * 1e3:.1f} ms")


async def main() -> None:
    wishes = [Reservation(f"d{number}.com", f"www.d{number}.com") for number in range(DOMAINS)]
    await in_process("memory", MemoryState(), wishes)
    peers()
    with TemporaryDirectory() as directory:
        state = await FileState.open(Path(directory), monotonic_ms)
        await in_process("file", state, wishes)
        await state.close()
        began = time.perf_counter()
        state = await FileState.open(Path(directory), monotonic_ms)
        say("file: recovered domains", DOMAINS, time.perf_counter() - began)
        await state.close()
    await over_redis()
    for names in ("a", "ab"):
        await pooled(names)
    memory(1_000_000)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    uvloop.run(main())
