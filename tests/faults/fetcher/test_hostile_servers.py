"""Servers that break off, stall, loop and flood; clients that leave: every end is typed, nothing is left behind."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter

import pytest

from fetcher.settings import FetchPolicy, TransportSettings
from tests.support.loopback_fetcher import asked, fetching
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import Origin, origin, redirect, reply
from thrift_idl.errors import (
    AragogError,
    BadReply,
    ConnectFailure,
    FetchTimeout,
    TooManyRedirects,
)

PAGE = reply(200, b"<p>hello")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


async def reset(reader, writer) -> None:
    """RST instead of FIN."""
    await writer.drain()
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def reset_amid(reader, writer) -> None:
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 500)
    await writer.drain()
    await asyncio.sleep(0.02)
    await reset(reader, writer)


async def reset_within_head(reader, writer) -> None:
    writer.write(HEAD)
    await writer.drain()
    await asyncio.sleep(0.02)
    await reset(reader, writer)


async def stall(reader, writer) -> None:
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\nx")
    await asyncio.sleep(3600)


async def loris(reader, writer) -> None:
    for byte in HEAD + b"X: " + b"y" * 100_000:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.01)


async def test_a_reset_amid_the_body_keeps_what_came_and_says_so() -> None:
    async with origin({"/": reset_amid}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/")))
    assert result.content == b"x" * 500 and result.flags == ("early_close",)


async def test_a_reset_within_the_head_is_a_bad_reply() -> None:
    async with origin({"/": reset_within_head}) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(BadReply):
            await fetcher.fetch(asked(web.url("/")))


async def test_a_reset_before_any_content_is_no_page() -> None:
    async def after_head(reader, writer) -> None:
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
        await asyncio.sleep(0.02)
        await reset(reader, writer)

    async with origin({"/": after_head}) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(ConnectFailure):
            await fetcher.fetch(asked(web.url("/")))


async def test_a_slow_loris_ends_with_the_first_byte_deadline() -> None:
    settings = FetchPolicy(transport=TransportSettings(first_byte_ms=100))
    async with origin({"/": loris}) as web, fetching(web.port, settings=settings) as (fetcher, _):
        with pytest.raises(FetchTimeout):
            await fetcher.fetch(asked(web.url("/")))


async def test_a_maze_of_redirects_ends_after_ten_hops() -> None:
    class Maze(dict):
        def get(self, key, default=None):
            return redirect(f"/{random.random()}") if key.startswith("/") and key != "/robots.txt" else default

    limiter = OpenLimiter()
    async with origin({}) as web, fetching(web.port, limiter) as (fetcher, _):
        web.replies = Maze()
        with pytest.raises(TooManyRedirects):
            await fetcher.fetch(asked(web.url("/")))
        assert len(web.targets()) == 11
    assert len(limiter.reserved) == 12


async def _settled(transport, web: Origin) -> None:
    """Both ends have noticed."""
    for _ in range(4_000):
        if not transport.open_connections and not web.open:
            return
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "handler", [stall, loris, asyncio.sleep], ids=["in the body", "in the head", "before the head"]
)
async def test_a_client_that_leaves_amid_a_fetch_leaks_no_connection(handler) -> None:
    async def silent(reader, writer) -> None:
        await asyncio.sleep(3600)

    served = silent if handler is asyncio.sleep else handler
    async with origin({"/": served}) as web, fetching(web.port) as (fetcher, transport):
        fetches = [asyncio.ensure_future(fetcher.fetch(asked(web.url("/")))) for _ in range(5)]
        while len(web.targets()) < 5:
            await asyncio.sleep(0.001)
        for fetch in fetches:
            fetch.cancel()
        ended = await asyncio.gather(*fetches, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)
        await asyncio.sleep(0.01)
        assert transport.open_connections == 0


async def test_a_client_that_leaves_while_connecting_leaks_no_connection() -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    port = listening.getsockname()[1]
    full = [socket.socket() for _ in range(3)]
    for filler in full:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))  # the backlog is full: the next connect hangs
    async with fetching(port) as (fetcher, transport):
        fetch = asyncio.ensure_future(fetcher.fetch(asked(f"http://127.0.0.1:{port}/")))
        await asyncio.sleep(0.05)
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetch
        await asyncio.sleep(0.01)
        assert transport.open_connections == 0
    for filler in [*full, listening]:
        filler.close()


MIX = {
    "/ok": PAGE,
    "/chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "/bad-chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "/404": reply(404, b"no"),
    "/503": reply(503, b"", "Retry-After: 3"),
    "/500": reply(500, b"oh"),
    "/reset": reset_amid,
    "/reset-head": reset_within_head,
    "/loop": redirect("/loop"),
    "/hop": redirect("/ok"),
    "/flood": HEAD + b"X: 1\r\n" * 1000 + b"\r\n",
    "/rubbish": b"\x00\xff\r\n\r\n",
    "/long": reply(200, b"x", "Content-Encoding: gzip"),
    "/extra": PAGE + b"more",
    "/close": reply(200, b"<p>", "Connection: close"),
    "/image": reply(200, b"x", media_type="image/png"),
}


async def _mixed(seed: int, count: int) -> Counter[str]:
    chosen = random.Random(seed).choices(list(MIX), k=count)
    before = len(asyncio.all_tasks())

    async def one(fetcher, url: str) -> str:
        try:
            return ",".join((await fetcher.fetch(asked(url))).flags) or "ok"
        except AragogError as error:
            return error.code

    async with origin(dict(MIX)) as web, fetching(web.port) as (fetcher, transport):
        ends: list[str] = []
        for start in range(0, count, 50):
            urls = [web.url(target, f"h{n % 7}.test") for n, target in enumerate(chosen[start : start + 50])]
            ends += await asyncio.gather(*(one(fetcher, url) for url in urls))
        await fetcher.close()
        await _settled(transport, web)
        assert transport.open_connections == 0
        assert transport._pool._lanes == {}
    await asyncio.sleep(0.05)
    assert len(asyncio.all_tasks()) <= before
    return Counter(f"{target} {end}" for target, end in zip(chosen, ends, strict=True))


async def test_mixed_fetches_leak_nothing_and_end_alike_for_a_seed() -> None:
    first, second = await _mixed(7, 600), await _mixed(7, 600)
    assert first == second
    ends = dict(key.split(" ") for key in first)
    assert len(ends) == len(first) == len(MIX), "each kind of server has one end"
    assert ends["/ok"] == ends["/chunks"] == ends["/hop"] == ends["/extra"] == ends["/close"] == "ok"
    assert ends["/reset"] == "early_close" and ends["/503"] == "retry_after" and ends["/loop"] == "too_many_redirects"
    assert {ends[name] for name in ("/bad-chunks", "/reset-head", "/flood", "/rubbish", "/long")} == {"bad_reply"}


@pytest.mark.torture
async def test_ten_thousand_mixed_fetches() -> None:
    assert await _mixed(1, 10_000) == await _mixed(1, 10_000)
