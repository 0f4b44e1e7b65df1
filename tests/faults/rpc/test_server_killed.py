"""A server that dies or stops in mid-call: its callers learn it, typed, and go on once it is back."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.rpc_endpoints import GRANT, block, calling, reserve
from thrift_idl.errors import BackendDown, DeadlineExceeded
from thrift_idl.rpc import ClientLimits

ROOT = Path(__file__).resolve().parents[3]
PATIENT = dataclasses.replace(ClientLimits(), deadline_ms=100_000)


@contextlib.asynccontextmanager
async def limiter(port: int = 0) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.rpc.limiter_process", str(port), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        yield process, int(await process.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_killed_in_mid_call_it_is_down_at_once_and_works_again_when_it_is_back() -> None:
    async with limiter() as (process, port), calling(port, PATIENT) as client:
        assert await client.reserve(reserve()) == GRANT
        running = [asyncio.create_task(client.block(block())) for _ in range(20)]
        await client.reserve(reserve())
        process.send_signal(signal.SIGKILL)
        ended = await asyncio.gather(*running, return_exceptions=True)
        assert {type(error) for error in ended} == {BackendDown}  # not DeadlineExceeded: nobody waited for that
        with pytest.raises(BackendDown):
            await client.reserve(reserve())
        async with limiter(port):
            assert await client.reserve(reserve()) == GRANT


async def test_killed_and_restarted_under_load_every_call_ends_with_its_value_or_as_down() -> None:
    async with limiter() as (process, port), calling(port, PATIENT) as client:
        ended: list[object] = []
        stop = asyncio.Event()

        async def caller() -> None:
            while not stop.is_set():
                try:
                    ended.append(await client.reserve(reserve()))
                except BackendDown:
                    ended.append(BackendDown)
                    await asyncio.sleep(0.01)

        callers = [asyncio.create_task(caller()) for _ in range(8)]
        while len(ended) < 200:
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        while BackendDown not in ended:
            await asyncio.sleep(0.01)
        async with limiter(port):
            seen = len(ended)
            while GRANT not in ended[seen:]:
                await asyncio.sleep(0.01)
            stop.set()
            await asyncio.gather(*callers)
        assert all(end in (GRANT, BackendDown) for end in ended)


async def test_stopped_in_mid_call_its_callers_end_at_their_deadline_and_go_on_when_it_runs_again() -> None:
    async with limiter() as (process, port), calling(port) as client:
        await client.reserve(reserve())
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(DeadlineExceeded):
            await client.reserve(reserve(remaining_ms=50))
        process.send_signal(signal.SIGCONT)
        assert await client.reserve(reserve()) == GRANT
