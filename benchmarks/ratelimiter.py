"""How fast the rate limiter decides: `python -m benchmarks.ratelimiter`. One process, one event loop, uvloop.

Reservations a second with the state in memory and in files, through Thrift (one at a time, 500 a batch), recovery of
the files, and what the table of a million domains takes. Times are the clock's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from ratelimiter import FileState, Limits, MemoryState, RateLimiterService, StateBackend, monotonic_ms
from ratelimiter.state import state_key
from ratelimiter.table import PackedTable
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveBatchRequest, ReserveRequest
from thrift_idl.rpc import Channel, RpcServer

CONTEXT = Context("benchmark")
DOMAINS = 100_000
BATCH = 500


def say(what: str, count: int, seconds: float) -> None:
    print(f"{what:<44} {count / seconds:>12,.0f} /s {seconds / count * 1e6:>9.2f} us")


async def timed(what: str, count: int, work: Callable[[], Awaitable[None]]) -> None:
    began = time.perf_counter()
    await work()
    say(what, count, time.perf_counter() - began)


async def one_by_one(service: RateLimiter, wishes: list[Reservation]) -> None:
    for request in [ReserveRequest(CONTEXT, wish) for wish in wishes]:
        await service.reserve(request)


async def batched(service: RateLimiter, wishes: list[Reservation]) -> None:
    for start in range(0, len(wishes), BATCH):
        await service.reserve_batch(ReserveBatchRequest(CONTEXT, tuple(wishes[start : start + BATCH])))


async def in_process(name: str, state: StateBackend, wishes: list[Reservation]) -> RateLimiterService:
    service = RateLimiterService(state, await Limits.open())
    await timed(f"{name}: new domains", len(wishes), lambda: one_by_one(service, wishes))
    await timed(f"{name}: known domains", len(wishes), lambda: one_by_one(service, wishes))
    busy = wishes[:10] * (len(wishes) // 10)
    await timed(f"{name}: ten busy domains, refused", len(busy), lambda: one_by_one(service, busy))
    await timed(f"{name}: batches of {BATCH}", len(wishes), lambda: batched(service, wishes))
    return service


async def over_thrift(service: RateLimiterService, wishes: list[Reservation]) -> None:
    """Client and server share this process and its core: two cores do about twice as much."""
    server = RpcServer(RateLimiter, service)
    channel = Channel(f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
    client = channel.client(RateLimiter)
    await timed(f"thrift: batches of {BATCH}", len(wishes), lambda: batched(client, wishes))
    durations = []
    for wish in wishes[:5_000]:
        began = time.perf_counter()
        await client.reserve(ReserveRequest(CONTEXT, wish))
        durations.append(time.perf_counter() - began)
    durations.sort()
    print(f"thrift: one call, p50 {durations[2_500] * 1e3:.3f} ms, p99 {durations[4_950] * 1e3:.3f} ms")
    await channel.close()
    await server.close()


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
    service = await in_process("memory", MemoryState(), wishes)
    await over_thrift(service, wishes)
    with TemporaryDirectory() as directory:
        state = await FileState.open(Path(directory), monotonic_ms)
        await in_process("file", state, wishes)
        await state.close()
        began = time.perf_counter()
        state = await FileState.open(Path(directory), monotonic_ms)
        say("file: recovered domains", DOMAINS, time.perf_counter() - began)
        await state.close()
    memory(1_000_000)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    uvloop.run(main())
