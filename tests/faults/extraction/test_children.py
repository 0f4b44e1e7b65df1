"""Faults of a child process: each costs one call and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.children import Answer, ChildBounds, ChildPool, Done, LostCall
from thrift_idl.errors import BackendDown, Overloaded

FUNCTIONS = "tests.faults.extraction.functions"
SMALL = ChildBounds(wall_ms=20_000, cpu_ms=10_000, memory_bytes=256 * 1024 * 1024)


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(1, SMALL) as pool:
        yield pool


async def run(pool: ChildPool, name: str, argument: bytes = b"") -> Answer:
    return await pool.run(f"{FUNCTIONS}:{name}", argument)


async def pid_of(pool: ChildPool) -> int:
    answer = await run(pool, "pid")
    assert isinstance(answer, Done)
    return int(answer.result)


def lives(pid: int) -> bool:
    """True if a process runs; one that waits to be reaped is dead."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


async def gone(*pids: int, within_ms: int = 20_000) -> bool:
    deadline = time.monotonic() + within_ms / 1000
    while any(map(lives, pids)):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


@pytest.mark.parametrize("size", [0, 1, 70_000, 10_000_000])
async def test_a_function_is_run_in_another_process(pool: ChildPool, size: int) -> None:
    argument = os.urandom(size)
    assert await run(pool, "echo", argument) == Done(argument)
    assert await pid_of(pool) != os.getpid()


async def test_a_child_serves_many_calls(pool: ChildPool) -> None:
    assert len({await pid_of(pool) for _ in range(5)}) == 1


@pytest.mark.parametrize("name", ["crash", "leave", "kill_itself"])
async def test_a_child_that_dies_takes_its_call_with_it_and_is_replaced(pool: ChildPool, name: str) -> None:
    first = await pid_of(pool)
    answer = await run(pool, name)
    assert isinstance(answer, LostCall)
    assert answer.ending == "died"
    assert await pid_of(pool) != first
    assert not lives(first)


async def test_a_child_that_was_killed_while_idle_is_replaced(pool: ChildPool) -> None:
    first = await pid_of(pool)
    os.kill(first, signal.SIGKILL)
    assert await gone(first)
    answers = [await run(pool, "echo", b"x") for _ in range(2)]
    assert answers[-1] == Done(b"x")


@pytest.mark.parametrize("name", ["spin", "spin_in_c"])
async def test_a_loop_ends_with_its_cpu_time(name: str) -> None:
    async with ChildPool(1, ChildBounds(cpu_ms=200, wall_ms=60_000)) as pool:
        answer = await run(pool, name)
        assert answer == LostCall("timed_out", "more than 200 ms of CPU time")
        assert await run(pool, "echo", b"next") == Done(b"next")


async def test_a_stall_ends_with_its_wall_time() -> None:
    async with ChildPool(1, ChildBounds(wall_ms=2_000)) as pool:
        first = await pid_of(pool)
        assert await run(pool, "sleep", b"60") == LostCall("timed_out", "no answer within 2000 ms")
        assert not lives(first)


async def test_cpu_time_is_counted_for_each_call_anew() -> None:
    async with ChildPool(1, ChildBounds(cpu_ms=2_000)) as pool:
        pids = {await pid_of(pool)}
        for _ in range(3):
            assert await run(pool, "sleep", b"0.05") == Done(b"slept")
            pids.add(await pid_of(pool))
        assert len(pids) == 1


async def test_memory_is_bounded(pool: ChildPool) -> None:
    answer = await run(pool, "eat_memory")
    assert isinstance(answer, LostCall)
    assert answer.ending == "out_of_memory"
    assert await run(pool, "echo", b"next") == Done(b"next")


async def test_a_function_that_raises_leaves_its_child_alive(pool: ChildPool) -> None:
    first = await pid_of(pool)
    assert await run(pool, "fail") == LostCall("failed", "ValueError: no such thing")
    assert await pid_of(pool) == first


@pytest.mark.parametrize("name", ["no.such.module:x", "tests.faults.extraction.functions:nothing", ""])
async def test_a_function_that_is_none_is_a_failure(pool: ChildPool, name: str) -> None:
    answer = await pool.run(name, b"")
    assert isinstance(answer, LostCall)
    assert answer.ending == "failed"


async def test_what_libraries_print_does_not_reach_the_pipe(pool: ChildPool) -> None:
    assert await run(pool, "print_much", b"clean") == Done(b"clean")
    assert await run(pool, "echo", b"next") == Done(b"next")


async def test_an_answer_too_long_is_cut_off() -> None:
    async with ChildPool(1, ChildBounds(answer_bytes=1_000)) as pool:
        answer = await run(pool, "answer_too_much", b"5000")
        assert isinstance(answer, LostCall)
        assert answer.ending == "died"


async def test_a_child_is_replaced_after_so_many_calls() -> None:
    async with ChildPool(1, ChildBounds(calls=3)) as pool:
        pids = [await pid_of(pool) for _ in range(6)]
        assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3]


async def test_a_child_that_grew_is_replaced() -> None:
    async with ChildPool(1, ChildBounds(resident_kib=100 * 1024)) as pool:
        first = await run(pool, "hoard", b"200000000")
        assert isinstance(first, Done)
        assert await pid_of(pool) != int(first.result)


async def test_calls_run_side_by_side_in_as_many_children_as_there_may_be() -> None:
    async with ChildPool(2, SMALL) as pool:
        answers = await asyncio.gather(*(run(pool, "sleep", b"0.1") for _ in range(6)))
        assert answers == [Done(b"slept")] * 6
        assert len(pool.pids) == 2


async def test_too_many_waiting_calls_are_refused() -> None:
    async with ChildPool(1, SMALL, max_waiting=2) as pool:
        answers = await asyncio.gather(*(run(pool, "sleep", b"0.1") for _ in range(6)), return_exceptions=True)
        assert [type(each) for each in answers].count(Overloaded) >= 2
        assert [each for each in answers if isinstance(each, Done)]
        assert await run(pool, "echo", b"x") == Done(b"x")


async def test_a_cancelled_call_ends_its_child_and_frees_its_place(pool: ChildPool) -> None:
    first = await pid_of(pool)
    call = asyncio.create_task(run(pool, "spin"))
    await asyncio.sleep(0.2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await gone(first)
    assert await run(pool, "echo", b"x") == Done(b"x")


async def test_closing_ends_every_child_and_loses_the_calls_under_way() -> None:
    pool = ChildPool(2, SMALL)
    call = asyncio.create_task(run(pool, "spin"))
    await run(pool, "echo")
    await asyncio.sleep(0.3)
    pids = pool.pids
    await pool.close()
    assert await gone(*pids)
    answer = await call
    assert isinstance(answer, LostCall)
    assert pool.pids == ()
    with pytest.raises(BackendDown):
        await run(pool, "echo")


async def test_a_pool_whose_children_cannot_start_says_so() -> None:
    async with ChildPool(1, SMALL, imports=["no.such.module"]) as pool:
        with pytest.raises(BackendDown):
            await run(pool, "echo")
        assert pool.pids == ()


async def test_the_environment_of_the_parent_stays_there(pool: ChildPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    answer = await run(pool, "environment")
    assert isinstance(answer, Done)
    assert b"SECRET" not in answer.result


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_meant_for_the_parent_harms_no_call(pool: ChildPool, number: signal.Signals) -> None:
    child = await pid_of(pool)
    call = asyncio.create_task(run(pool, "sleep", b"0.3"))
    await asyncio.sleep(0.1)
    os.kill(child, number)
    assert await call == Done(b"slept")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_no_child_outlives_its_parent_by_2_seconds(number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.extraction.parent"], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await asyncio.to_thread(parent.stdout.readline)).split()]
    assert len(pids) == 4
    assert all(map(lives, pids))
    parent.send_signal(number)
    assert await gone(*pids)
    parent.wait()
    parent.stdout.close()
