"""The transport over real sockets: framing, connections kept and replaced, TLS, deadlines, the order of one request."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from fetcher.settings import FetchPolicy, TransportSettings
from tests.integration.fetcher.certificates import server_context
from tests.support.loopback_fetcher import asked, fetching
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import origin, reply
from thrift_idl.errors import BadReply, ConnectFailure, FetchTimeout, NoSlot, TlsFailure
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.ttypes import Grant

PAGE = reply(200, b"<p>hello")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def within(**bounds: int) -> FetchPolicy:
    return FetchPolicy(transport=TransportSettings(**bounds))


@pytest.mark.parametrize(
    ("raw", "content", "flags"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n", b"abcde", ()),
        (HEAD + b"Connection: close\r\n\r\nuntil the end", b"until the end", ()),
        (HEAD + b"Content-Length: 10\r\nConnection: close\r\n\r\nabc", b"abc", ("early_close",)),
        (HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\nabc", b"abc", ("early_close",)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + PAGE, b"<p>hello", ()),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\nold", b"old", ()),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", ()),
    ],
    ids=["chunked", "to the end", "early close", "chunks cut off", "interim answers", "HTTP/1.0", "204"],
)
async def test_framings(raw, content, flags) -> None:
    async with origin({"/": raw}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/")))
    assert (result.content, result.flags) == (content, flags)


async def test_a_folded_header_is_one_line() -> None:
    raw = HEAD + b"X-Folded: a\r\n b\n\t c\r\nContent-Length: \r\n 3\r\n\r\nabc"
    async with origin({"/": raw}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/")))
    assert result.content == b"abc"
    assert [header.value for header in result.headers if header.name == "x-folded"] == ["a b c"]


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
        HEAD + b"X: 1\r\n" * 300 + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n",
    ],
    ids=[
        *("no http", "two lengths", "long head", "many headers", "bad chunk", "upgrade", "half a head"),
    ],
)
async def test_what_is_no_proper_answer_is_a_bad_reply_and_costs_its_connection(raw) -> None:
    async with origin({"/": raw}) as web, fetching(web.port) as (fetcher, transport):
        with pytest.raises(BadReply):
            await fetcher.fetch(asked(web.url("/")))
        await asyncio.sleep(0)
        assert transport.open_connections == 0


@pytest.mark.parametrize("coding", ["rot13", "gzip, gzip, gzip, gzip, gzip, gzip", "gzip", "br", "zstd", "deflate"])
async def test_content_that_cannot_be_decoded_is_a_bad_reply(coding) -> None:
    raw = reply(200, b"not coded", f"Content-Encoding: {coding}")
    async with origin({"/": raw}) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(BadReply):
            await fetcher.fetch(asked(web.url("/")))


async def test_an_answer_with_more_than_it_announced_is_used_but_its_connection_is_not() -> None:
    async with origin({"/": PAGE + b"HTTP/1.1 200 OK\r\n"}) as web, fetching(web.port) as (fetcher, _):
        for _ in range(2):
            assert (await fetcher.fetch(asked(web.url("/")))).content == b"<p>hello"
    assert web.connections == 2


async def test_a_kept_connection_that_the_server_closed_is_replaced_once_with_a_new_slot() -> None:
    async def close(reader, writer) -> None:
        writer.close()

    limiter = OpenLimiter()
    async with origin({"/": PAGE, "/x": [close, PAGE]}) as web, fetching(web.port, limiter) as (fetcher, _):
        await fetcher.fetch(asked(web.url("/")))
        assert (await fetcher.fetch(asked(web.url("/x")))).status == 200
    assert web.targets() == ["/", "/x", "/x"]
    assert len(limiter.reserved) == 4, "robots, page, page, and once more for the second try"


async def test_a_fresh_connection_that_closes_without_an_answer_is_not_tried_again() -> None:
    async def close(reader, writer) -> None:
        writer.close()

    replies = {"/": close, "/robots.txt": reply(404, b"", "Connection: close")}
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(ConnectFailure):
            await fetcher.fetch(asked(web.url("/")))
    assert web.targets() == ["/"]


async def test_unused_connections_expire() -> None:
    async with (
        origin({"/": PAGE}) as web,
        fetching(web.port, settings=within(keep_alive_ms=20)) as (fetcher, transport),
    ):
        await fetcher.fetch(asked(web.url("/")))
        while transport.open_connections:
            await asyncio.sleep(0.005)
        assert transport._pool._lanes == {}


async def test_idle_connections_are_bounded_over_all_origins() -> None:
    settings = within(max_idle_connections=3)
    async with origin({"/": PAGE}) as web, fetching(web.port, settings=settings) as (fetcher, transport):
        for n in range(8):
            await fetcher.fetch(asked(web.url("/", f"h{n}.test")))
        await asyncio.sleep(0.01)
        assert transport.open_connections == 3


class NeverLimiter(OpenLimiter):
    """Has no answer for a page: every reservation but the first hangs."""

    async def reserve(self, request):
        grant = await super().reserve(request)
        if len(self.reserved) > 1:
            await asyncio.sleep(3600)
        return grant


async def test_at_most_two_connections_of_an_origin_wait_without_a_slot() -> None:
    limiter = NeverLimiter()
    replies = {"/": PAGE, "/robots.txt": reply(404, b"", "Connection: close")}
    async with origin(replies) as web, fetching(web.port, limiter) as (fetcher, transport):
        fetches = [asyncio.ensure_future(fetcher.fetch(asked(web.url("/")))) for _ in range(10)]
        while len(limiter.reserved) < 11:
            await asyncio.sleep(0.001)
        assert transport.open_connections == 2
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)
        await asyncio.sleep(0.01)
        assert transport.open_connections == 0


async def test_an_origin_that_is_busy_defers_instead_of_queueing_forever() -> None:
    async def slow(reader, writer) -> None:
        await asyncio.sleep(3600)

    replies = {"/": slow, "/ok": PAGE}
    settings = within(max_connections_per_origin=2)
    async with origin(replies) as web, fetching(web.port, settings=settings) as (fetcher, _):
        await fetcher.fetch(asked(web.url("/ok")))
        stuck = [asyncio.ensure_future(fetcher.fetch(asked(web.url("/")))) for _ in range(2)]
        while len(web.targets()) < 3:
            await asyncio.sleep(0.001)
        with pytest.raises(NoSlot):
            await fetcher.fetch(asked(web.url("/ok"), max_wait_ms=20))
        for fetch in stuck:
            fetch.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        assert (await fetcher.fetch(asked(web.url("/ok")))).status == 200


async def _silence(reader, writer) -> None:
    await asyncio.sleep(3600)


async def _half(reader, writer) -> None:
    writer.write(HEAD + b"Content-Length: 100\r\n\r\nhalf")
    await asyncio.sleep(3600)


async def _drip(reader, writer) -> None:
    writer.write(HEAD + b"Content-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("handler", "settings", "fields", "phase"),
    [
        (_silence, within(first_byte_ms=40), {}, "first_byte"),
        (_half, within(idle_ms=40), {}, "idle"),
        (_drip, within(), {"deadline_ms": 80}, "total"),
        (_drip, within(), {"context": Context("test", "", 400)}, "caller"),
    ],
    ids=["no first byte", "stalled body", "slow drip", "impatient caller"],
)
async def test_every_way_to_be_slow_meets_its_deadline(handler, settings, fields, phase) -> None:
    async with origin({"/": handler}) as web, fetching(web.port, settings=settings) as (fetcher, transport):
        with pytest.raises(FetchTimeout) as caught:
            await fetcher.fetch(asked(web.url("/"), **fields))
        assert caught.value.details["phase"] in (phase, "total" if phase == "caller" else phase)
        await asyncio.sleep(0)
        assert transport.open_connections == 0


async def test_waiting_for_a_slot_does_not_count() -> None:
    limiter = OpenLimiter([Grant(True, 0.0, 0.0, 1.0), Grant(True, 150.0, 0.0, 100.0)])
    async with origin({"/": PAGE}) as web, fetching(web.port, limiter) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/"), deadline_ms=100))
    assert result.waited_ms >= 150


async def test_tls_is_verified_against_the_urls_host_though_an_address_is_dialled(tmp_path) -> None:
    server, client = server_context(tmp_path, "good.test")
    async with origin({"/": PAGE}, ssl=server) as web, fetching(web.port, tls=client) as (fetcher, _):
        result = await fetcher.fetch(asked(f"https://good.test:{web.port}/"))
        assert result.content == b"<p>hello" and result.peer == "127.0.0.1"
        with pytest.raises(TlsFailure):
            await fetcher.fetch(asked(f"https://other.test:{web.port}/"))


async def test_an_unknown_authority_is_refused(tmp_path) -> None:
    server, _ = server_context(tmp_path, "good.test")
    async with origin({"/": PAGE}, ssl=server) as web, fetching(web.port) as (fetcher, transport):
        with pytest.raises(TlsFailure) as caught:
            await fetcher.fetch(asked(f"https://good.test:{web.port}/"))
        await asyncio.sleep(0.01)
        assert transport.open_connections == 0
    assert "self" in caught.value.message


async def test_plain_http_on_a_tls_port_is_a_tls_failure() -> None:
    async def plain(reader, writer) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, fetching(port, tls=ssl.create_default_context()) as (fetcher, _):
        with pytest.raises(TlsFailure):
            await fetcher.fetch(asked(f"https://good.test:{port}/"))
