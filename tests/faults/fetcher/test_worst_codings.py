"""Coded bytes made to cost their decoder the most: bounded by count, and never for long at a stretch."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from itertools import count

import pytest

from fetcher.decoding import GIVEN, Decoder, codings_of
from fetcher.loop_time import TURN_MS, LoopTime
from fetcher.settings import KIB, MIB
from runtime.clock import Clock
from tests.faults.fetcher.worst_codings import WORST
from tests.support.loopback_fetcher import asked, fetching
from tests.support.raw_origin import origin, reply
from thrift_idl.errors import BadReply, FetchTimeout, RobotsUnavailable

CAP = 10 * MIB
PIECE = 256 * KIB
LONGEST_STEP_S = 0.05


def steps_of(decoder: Decoder, wire: bytes):
    """Does the work; yields after each step whether it was a long one."""
    for at in range(0, len(wire), PIECE):
        decoder.take(wire[at : at + PIECE])
        while decoder.busy:
            is_long = decoder.long
            decoder.step()
            yield is_long
        if not decoder.wanted:
            return


def amounts(decoder: Decoder) -> list[int]:
    return [amount for stage in decoder.stages for amount in (stage.taken, stage.given)]


@pytest.mark.parametrize("name", WORST)
def test_no_input_makes_a_stage_take_or_give_more_than_content_could(name) -> None:
    coding, wire = WORST[name]
    decoder, steps, most = Decoder(codings_of([coding]), CAP), 0, 0
    before = amounts(decoder)
    try:
        for _ in steps_of(decoder, wire):
            now = amounts(decoder)
            most = max(most, *(after - earlier for earlier, after in zip(before, now, strict=True)))
            steps, before = steps + 1, now
        content = decoder.content()
    except BadReply:
        content = b""
    assert len(content) <= CAP
    assert most <= 2 * GIVEN, "bytes that one step takes or gives"
    assert steps <= 20_000
    for stage in decoder.stages:
        assert stage.taken <= 2 * stage.given + MIB + GIVEN
        assert stage.given <= CAP + MIB + 2 * GIVEN


@pytest.mark.torture
@pytest.mark.parametrize("name", WORST)
def test_no_step_on_the_event_loop_takes_long(name) -> None:
    coding, wire = WORST[name]
    longest_s, began_s = 0.0, time.process_time()
    with contextlib.suppress(BadReply):
        for is_long in steps_of(Decoder(codings_of([coding]), CAP), wire):
            longest_s = max(longest_s, 0.0 if is_long else time.process_time() - began_s)
            began_s = time.process_time()
    longest_s = max(longest_s, time.process_time() - began_s)
    print(f"{name}: {longest_s * 1000:.1f} ms")
    assert longest_s < LONGEST_STEP_S


@pytest.mark.torture
@pytest.mark.parametrize("name", ["br of commands that take no bit, in less of a window", "br of context maps"])
async def test_the_event_loop_is_never_held_up_for_long(name) -> None:
    replies = {f"/{number}": encoded(name) for number in range(5)} | {"/page": reply(200, b"<p>")}
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        await fetcher.fetch(asked(web.url("/page")))
        tasks = [asyncio.create_task(fetcher.fetch(asked(web.url(f"/{number}")))) for number in range(5)]
        longest_s, began_s = 0.0, time.thread_time()
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            longest_s, began_s = max(longest_s, time.thread_time() - began_s), time.thread_time()
        await asyncio.gather(*tasks, return_exceptions=True)
    print(f"{name}: {longest_s * 1000:.1f} ms")
    assert longest_s < LONGEST_STEP_S


def encoded(name: str) -> bytes:
    coding, wire = WORST[name]
    return reply(200, wire, f"Content-Encoding: {coding}")


def ticking(ms: float) -> Clock:
    """Time that goes by only while somebody looks at it."""
    ticks = count()
    return Clock(now_ms=lambda: next(ticks) * ms)


async def turns_during(work) -> tuple[int, object]:
    """The turns that the event loop had while `work` ran, and its result."""
    turns = 0
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    return turns, task.exception() or task.result()


async def test_the_event_loop_has_its_turns_while_a_reply_is_decoded() -> None:
    replies = {"/bomb": encoded("gzip members of nothing")}
    async with origin(replies) as web, fetching(web.port, clock=ticking(TURN_MS)) as (fetcher, _):
        turns, failure = await turns_during(fetcher.fetch(asked(web.url("/bomb"))))
    assert isinstance(failure, BadReply)
    assert turns > 2 * 1000, "a thousand members, of two steps each, each as long as a turn"


async def test_long_steps_are_done_in_a_thread_one_at_a_time() -> None:
    loop_time, at_work = LoopTime(), []  # type: ignore[var-annotated]  # a test's business

    def step() -> int:
        at_work.append(None)
        time.sleep(0.01)
        assert len(at_work) == 1
        at_work.pop()
        return threading.get_ident()

    idents = await asyncio.gather(*(loop_time.apart(step) for _ in range(5)))
    assert threading.get_ident() not in idents


async def test_the_deadline_ends_a_reply_whose_decoding_takes_longer() -> None:
    replies, clock = {"/bomb": encoded("gzip members of nothing")}, ticking(TURN_MS)
    async with origin(replies) as web, fetching(web.port, clock=clock, deadline_ms=8_000) as (fetcher, _):
        with pytest.raises(FetchTimeout, match="total"):
            await fetcher.fetch(asked(web.url("/bomb")))


@pytest.mark.parametrize("name", ["gzip of nothing, in br, in br", "br of context maps", "gzip members of nothing"])
async def test_a_robots_txt_that_is_a_bomb_is_no_robots_txt(name) -> None:
    replies = {"/robots.txt": encoded(name), "/page": reply(200, b"<p>")}
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(RobotsUnavailable):
            await fetcher.fetch(asked(web.url("/page")))
    assert web.targets() == []
