"""Shares of places: an owner with slow jobs leaves some to the others."""

from __future__ import annotations

import asyncio
import random

import pytest

from pinlater.worker import ClaimedJob, Shares, Worker
from tests.support.pinlater_caller import QUEUE, Caller
from tests.unit.pinlater.test_worker import backend, caller, running, until  # noqa: F401 - fixtures
from thrift_idl.gen.pinlater.ttypes import PinLaterJob

PLACES = 128


def fill(shares: Shares, owner: str, now_ms: float = 0.0, jobs: int = 1_000) -> int:
    """The number of an owner's jobs that get a place."""
    return sum(not shares.take(owner, now_ms) for _ in range(jobs))


def test_an_owner_alone_has_all_places_but_one() -> None:
    assert fill(Shares(PLACES), "a") == PLACES - 1
    assert [fill(Shares(places), "a") for places in (1, 2, 7)] == [1, 2, 7]


def test_while_another_wants_places_an_owner_has_three_quarters() -> None:
    shares = Shares(PLACES)
    assert not shares.take("b", 0.0)
    assert fill(shares, "a") == 95
    shares.leave("b", 1.0)
    assert fill(shares, "a", 1_000.0) == 1, "b may come back"
    assert fill(shares, "a", 20_000.0) == PLACES - 1 - 96, "it has not"


def test_several_have_equal_shares_and_a_place_is_left() -> None:
    shares = Shares(PLACES)
    for _ in range(200):
        for owner in "abcdefgh":
            shares.take(owner, 0.0)
    assert {shares.held(owner) for owner in "abcdefgh"} <= {14, 15, 16}
    assert shares.free > 0


@pytest.mark.parametrize("seed", range(50))
def test_an_owner_that_holds_none_is_let_in_whenever_a_place_is_free(seed: int) -> None:
    chance = random.Random(seed)
    shares = Shares(chance.choice((1, 2, 8, 32, PLACES)))
    held: list[str] = []
    for now_ms in range(0, 60_000, 20):
        owner = f"greedy{chance.randrange(chance.choice((1, 3, 30)))}"
        if shares.take(owner, now_ms) == 0:
            held.append(owner)
        if held and chance.random() < 0.3:
            shares.leave(held.pop(chance.randrange(len(held))), now_ms)
        if shares.free:
            assert shares.take("new", now_ms) == 0
            shares.leave("new")
        elif len(set(held)) < len(held):
            first = shares.free
            shares.leave(held.pop(), now_ms)
            assert (first, shares.free) == (0, 1)
            assert shares.take("new", now_ms) == 0, "after one job that ended"
            shares.leave("new")


def test_one_owner_alone_never_keeps_another_waiting_for_a_job_to_end() -> None:
    shares = Shares(PLACES)
    fill(shares, "a")
    assert shares.take("b", 1.0) == 0


def test_what_exceeds_a_share_comes_back_one_by_one_as_places_become_free() -> None:
    shares = Shares(PLACES)
    fill(shares, "a", jobs=PLACES)
    for ended_ms in range(1_000, 30_000, 1_000):  # one a second
        shares.leave("a", ended_ms)
        shares.take("a", ended_ms)
    delays = [shares.take("a", 30_000.0) for _ in range(100)]
    assert delays == sorted(delays)
    assert min(delays) >= 1_000 and max(delays) == 60_000
    assert 500 < delays[20] - delays[19] < 1_500


async def test_a_worker_works_on_others_jobs_while_one_owners_take_for_ever(caller: Caller) -> None:  # noqa: F811
    slow, quick, over = 0, 0, asyncio.Event()
    await caller.enqueue([PinLaterJob(body) for body in [b"slow"] * 200 + [b"quick"] * 50])

    async def handle(job: ClaimedJob) -> None:
        nonlocal slow, quick
        if job.body == b"slow":
            slow += 1
            await over.wait()
        else:
            quick += 1

    async def done() -> bool:
        return quick == 50

    worker = Worker(caller.service, QUEUE, handle, concurrency=16, owner_of=lambda held: held.body.decode())
    async with running(worker):
        await until(done)
        assert slow < 16
        over.set()
