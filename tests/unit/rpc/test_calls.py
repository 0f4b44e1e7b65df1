from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any

import pytest

from thrift_idl.rpc.calls import RunningCall

where: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="outside")


class Run:
    """One driven handler and how it ended."""

    def __init__(self, handler: Coroutine[Any, Any, Any]) -> None:
        self.ended: asyncio.Future[tuple[Any, BaseException | None]] = asyncio.get_running_loop().create_future()
        self.call = RunningCall(asyncio.get_running_loop(), "test")
        # As a connection does: from a callback of the loop, where no task is current.
        asyncio.get_running_loop().call_soon(self._start, handler)

    def _start(self, handler: Coroutine[Any, Any, Any]) -> None:
        self.call.run(handler, lambda value, error: self.ended.set_result((value, error)))
        self.at_once = self.ended.done()

    async def value(self) -> Any:
        value, error = await self.ended
        if error is not None:
            raise error
        return value


async def test_a_handler_that_never_waits_is_done_at_once_and_makes_no_task() -> None:
    before = len(asyncio.all_tasks())

    async def handler() -> int:
        return len(asyncio.all_tasks()) - before

    run = Run(handler())
    assert await run.value() == 0
    assert run.at_once


async def test_a_handler_that_waits_ends_later_with_its_value() -> None:
    async def handler() -> str:
        await asyncio.sleep(0)
        await asyncio.to_thread(lambda: None)
        return "done"

    run = Run(handler())
    assert await run.value() == "done"
    assert not run.at_once


async def test_errors_come_out_of_the_first_step_and_of_later_ones() -> None:
    async def at_once() -> None:
        raise KeyError("now")

    async def later() -> None:
        await asyncio.sleep(0)
        raise KeyError("later")

    for handler, text in ((at_once(), "now"), (later(), "later")):
        with pytest.raises(KeyError, match=text):
            await Run(handler).value()


async def test_a_timeout_entered_in_the_first_step_fires() -> None:
    async def handler() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return f"timed out, {current().cancelling()} cancels left"
        return "never"

    assert await Run(handler()).value() == "timed out, 0 cancels left"


def current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_a_timeout_of_zero_fires() -> None:
    async def handler() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "never"

    assert await Run(handler()).value() == "timed out"


async def test_a_task_group_entered_in_the_first_step_ends_when_a_child_fails() -> None:
    async def fail() -> None:
        raise KeyError("child")

    async def handler() -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.Event().wait()
        except ExceptionGroup as failed:
            return str(failed.exceptions[0].args[0])
        return "never"

    assert await Run(handler()).value() == "child"


async def test_wait_for_in_the_first_step_times_out() -> None:
    async def handler() -> None:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)

    with pytest.raises(TimeoutError):
        await Run(handler()).value()


async def test_first_and_later_steps_share_one_context_of_their_own() -> None:
    async def handler() -> str:
        where.set("inside")
        await asyncio.sleep(0)
        return where.get()

    assert await Run(handler()).value() == "inside"
    assert where.get() == "outside"


async def test_a_cancelled_handler_learns_of_it_and_cleans_up() -> None:
    seen = []

    async def handler() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned")

    run = Run(handler())
    await asyncio.sleep(0.01)
    assert run.call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.value()
    assert seen == ["cleaned"]
    assert not run.call.cancel()


async def test_a_cancel_between_the_first_step_and_the_task_reaches_the_handler_and_what_it_waits_for() -> None:
    waited_for = asyncio.get_running_loop().create_future()
    seen = []

    async def handler() -> None:
        try:
            await waited_for
        finally:
            seen.append("cleaned")

    run = Run(handler())
    asyncio.get_running_loop().call_soon(run.call.cancel)  # right behind the first step, before the task's first
    with pytest.raises(asyncio.CancelledError):
        await run.value()
    assert seen == ["cleaned"]
    assert waited_for.cancelled()


async def test_a_cancel_of_its_own_in_the_first_step_takes_effect_at_the_first_wait() -> None:
    async def handler() -> str:
        current().cancel()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            current().uncancel()
            return "cancelled"
        return "never"

    assert await Run(handler()).value() == "cancelled"


async def test_no_task_is_current_after_the_first_step() -> None:
    found = []

    async def handler() -> None:
        await asyncio.sleep(0)

    run = Run(handler())
    asyncio.get_running_loop().call_soon(lambda: found.append(asyncio.current_task()))
    await run.value()
    assert found == [None]
