"""While a backend is down its callers wait, and nothing is dequeued."""

from __future__ import annotations

import asyncio

import pytest

from pinlater.worker import BackendHealth
from thrift_idl.errors import BackendDown, DiskFull, InvalidRequest


async def test_a_call_is_made_again_until_the_backend_answers() -> None:
    health, well = BackendHealth(), []
    answers = iter([BackendDown("down"), BackendDown("still down"), "here"])

    async def call() -> str:
        well.append(health.well)
        answer = next(answers)
        if isinstance(answer, BackendDown):
            raise answer
        return answer  # type: ignore[return-value]  # a test's business

    assert await health.persistently(call) == "here"
    assert well == [True, False, False] and health.well
    assert health.last_error == "still down"


@pytest.mark.parametrize("error", [DiskFull("full"), InvalidRequest("wrong")])
async def test_what_waiting_does_not_mend_is_raised_at_once(error: Exception) -> None:
    health = BackendHealth()

    async def call() -> None:
        raise error

    with pytest.raises(type(error)):
        await health.persistently(call)
    assert health.well


async def test_a_caller_that_is_cancelled_waits_no_more() -> None:
    health = BackendHealth()

    async def call() -> None:
        raise BackendDown("down")

    waiting = asyncio.create_task(health.persistently(call))
    await asyncio.sleep(0.01)
    assert not health.well
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert health.well
