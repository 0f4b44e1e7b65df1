"""Every fault of testweb, fetched by the real service from a process of its own: each has one end, nothing is left."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fetcher.addresses import AddressPolicy
from fetcher.resolver import MappedResolver, SystemResolver, parse_connect_to
from fetcher.robots.cache import MemoryRobotsCache
from fetcher.service import FetcherService
from fetcher.settings import MIB, FetchPolicy, TransportSettings
from fetcher.transport import GuardedTransport
from fetcher.transport.tls import verifying_context
from tests.faults.fetcher.ends import DAY_MS, DEADLINE_MS, EXPECTED, FAULTS, RETRY_MS, STEP_MS
from tests.support.loopback_fetcher import asked
from tests.support.open_limiter import GRANTED, OpenLimiter
from tests.support.processes import stop
from thrift_idl.errors import AragogError, Deferred
from thrift_idl.gen.fetcher.ttypes import FetchResult

AT_ONCE = 64
HOSTS = 23
MOST_GROWTH = 24 * MIB


pytestmark = pytest.mark.alone("tells faults from each other by time-outs that it keeps short")


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Iterator[dict[str, Any]]:
    """The output of `python -m testweb --faults`."""
    ready = tmp_path_factory.mktemp("faults") / "ready.json"
    command = [sys.executable, "-m", "testweb", "--faults", "--ready-file", str(ready)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:  # it has listed its last URL: it listens
        if line.startswith("https://www.endless."):
            break
    try:
        while not ready.exists():
            assert process.poll() is None
        yield json.loads(ready.read_text())
    finally:
        assert stop(process) == 0


class Forgetful(OpenLimiter):
    """Grants at once, remembers nothing: its own memory shall not spoil the measure of the fetcher's."""

    async def reserve(self, request):
        return GRANTED

    async def feedback(self, request):
        return None


@asynccontextmanager
async def fetching(web: dict[str, Any]) -> AsyncIterator[tuple[FetcherService, GuardedTransport]]:
    transport_settings = TransportSettings(
        connect_ms=STEP_MS, first_byte_ms=STEP_MS, idle_ms=STEP_MS, max_idle_connections=32
    )
    settings = FetchPolicy(max_content_bytes=MIB, deadline_ms=DEADLINE_MS, transport=transport_settings)
    context = verifying_context()
    context.load_verify_locations(web["authority"])
    transport = GuardedTransport(transport_settings, context)
    service = FetcherService(
        limiter=Forgetful(),
        resolver=MappedResolver(parse_connect_to(web["connect_to"]), SystemResolver()),
        transport=transport,
        robots_cache=MemoryRobotsCache(),
        settings=settings,
        policy=AddressPolicy.of(["*.test"]),
    )
    try:
        yield service, transport
    finally:
        await service.close()


def url_of(fault: str, number: int) -> str:
    """Few hosts for HTTP: kept connections meet other faults. Many for TLS: a failed robots.txt is remembered."""
    if fault.startswith("tls:"):
        return f"https://n{number % 40}.{fault[4:]}.tls.test/"
    return f"http://h{number % HOSTS}.test/{fault}"


async def end_of(service: FetcherService, url: str) -> str:
    """Any exception but the tree's fails the test."""
    try:
        result = await service.fetch(asked(url))
    except AragogError as error:
        assert not isinstance(error, Deferred) or 0 < error.delay_ms <= DAY_MS
        return error.code
    assert isinstance(result, FetchResult)
    return " ".join(["ok", *result.flags])


async def ends_of(service: FetcherService, faults: Sequence[str]) -> list[str]:
    """The end of each, `AT_ONCE` at a time."""
    numbered, ends = iter(enumerate(faults)), [""] * len(faults)

    async def worker() -> None:
        for number, fault in numbered:
            ends[number] = await end_of(service, url_of(fault, number))

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return ends


@dataclass(frozen=True, slots=True)
class Level:
    """The resources that this process holds."""

    tasks: int
    descriptors: int
    resident: int

    @classmethod
    def now(cls) -> Level:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir())), pages * resource.getpagesize())


def counted(faults: Sequence[str], ends: Sequence[str]) -> Counter[tuple[str, str]]:
    return Counter(zip(faults, ends, strict=True))


async def back_at(level: Level, transport: GuardedTransport) -> Level:
    """The level now, given a moment in which goodbyes are said."""
    now = Level.now()
    for _ in range(1_000):
        if now.tasks <= level.tasks and now.descriptors <= level.descriptors and not transport.open_connections:
            break
        await asyncio.sleep(0.02)
        now = Level.now()
    return now


async def mixed(web: dict[str, Any], seed: int, count: int) -> None:
    """`count` fetches in an order that the seed decides, after one of each; asserts all that this module promises."""
    before = Level.now()
    chosen = random.Random(seed).choices(FAULTS, k=count)
    async with fetching(web) as (service, transport):
        await ends_of(service, FAULTS)
        await ends_of(service, chosen[: count // 5])  # threads and their heaps come with as many at once
        warm = Level.now()
        ends = await ends_of(service, chosen)
        # The expected ends depend on the seed alone: each run of a seed has the same counts.
        assert counted(chosen, ends) == counted(chosen, [EXPECTED[fault] for fault in chosen])
        grown = Level.now().resident - warm.resident
        print(f"{count} fetches: {grown / MIB:.1f} MiB grown, {transport.open_connections} connections kept")
        assert grown < MOST_GROWTH, f"{grown / MIB:.1f} MiB"
    after = await back_at(before, transport)
    assert transport.open_connections == 0
    assert (after.tasks, after.descriptors) == (before.tasks, before.descriptors)


def test_the_table_of_ends_is_complete() -> None:
    assert set(EXPECTED) == set(FAULTS)


async def test_every_fault_has_the_end_that_the_table_says(web) -> None:
    async with fetching(web) as (service, _):
        ends = await ends_of(service, FAULTS)
    assert dict(zip(FAULTS, ends, strict=True)) == EXPECTED


async def test_every_form_of_retry_after_defers_by_what_it_says(web) -> None:
    async with fetching(web) as (service, _):
        for fault in (name for name in FAULTS if name.startswith(("429-", "503-"))):
            with pytest.raises(Deferred) as caught:
                await service.fetch(asked(url_of(fault, 1)))
            assert (fault, caught.value.delay_ms) == (fault, RETRY_MS[fault[4:]])


async def test_five_hundred_mixed_fetches_leave_nothing_behind(web) -> None:
    await mixed(web, seed=7, count=500)


@pytest.mark.torture
@pytest.mark.timeout(1200)
async def test_ten_thousand_mixed_fetches_leave_nothing_behind(web) -> None:
    await mixed(web, seed=1, count=10_000)
