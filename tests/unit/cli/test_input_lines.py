from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aragog.cli.filters import Answer, in_order
from aragog.cli.input_lines import LineCutter

CHUNKS = st.lists(st.binary(max_size=12).map(lambda chunk: chunk.replace(b"\x00", b"\n")), max_size=12)


@given(CHUNKS, st.integers(1, 20))
def test_lines_are_the_same_however_their_bytes_are_cut_into_chunks(chunks: list[bytes], most: int) -> None:
    lines = LineCutter(most)
    found = [line for chunk in chunks for line in lines.feed(chunk)] + lines.end()
    whole = b"".join(chunks).split(b"\n")
    if whole[-1] == b"":
        whole.pop()
    assert found == [line if len(line) <= most else None for line in whole]


def test_nothing_is_kept_of_a_line_that_is_too_long() -> None:
    lines = LineCutter(10)
    for _ in range(1_000):
        assert lines.feed(b"x" * 1_000) == []
    assert lines._pieces == []
    assert lines.feed(b"\nnext\n") == [None, b"next"]


def test_a_last_line_needs_no_end_and_an_end_begins_no_line() -> None:
    lines = LineCutter(10)
    assert lines.feed(b"a\nb") == [b"a"]
    assert lines.end() == [b"b"]
    assert lines.end() == []


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def test_answers_keep_the_order_of_their_lines_whichever_is_ready_first() -> None:
    last_is_done = asyncio.Event()

    async def answer(number: int) -> Answer:
        if number == 0:
            await last_is_done.wait()
        if number == 3:
            last_is_done.set()
        return {"n": number}

    assert [found["n"] async for found in in_order(numbers(8), answer, 4)] == list(range(8))


async def test_no_more_lines_are_under_way_than_allowed() -> None:
    under_way = most = 0

    async def answer(number: int) -> Answer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return {}

    assert len([found async for found in in_order(numbers(50), answer, 3)]) == 50
    assert most <= 3


async def test_what_is_under_way_ends_when_nobody_wants_the_answers() -> None:
    ended: list[int] = []

    async def answer(number: int) -> Answer:
        try:
            await asyncio.sleep(0 if number == 0 else 3600)
        finally:
            ended.append(number)
        return {}

    made = in_order(numbers(10), answer, 4)
    await anext(made)
    await made.aclose()
    assert ended[0] == 0 and sorted(ended) == list(range(len(ended)))


async def test_an_error_of_reading_reaches_the_caller_after_the_answers_before_it() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise OSError("gone")

    async def answer(number: int) -> Answer:
        return {"n": number}

    found = []
    with pytest.raises(OSError, match="gone"):
        async for each in in_order(broken(), answer, 2):
            found.append(each)  # noqa: PERF401 - what came before the error counts
    assert found == [{"n": 1}]
