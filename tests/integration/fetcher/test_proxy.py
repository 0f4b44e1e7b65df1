"""A proxy for egress: every connection is a tunnel to the address that was vetted, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from fetcher.robots.cache import MemoryRobotsCache
from fetcher.settings import FetchPolicy, TransportSettings
from fetcher.transport.dial import parse_proxy
from tests.integration.fetcher.certificates import server_context
from tests.support.loopback_fetcher import CONTEXT, asked, fetching
from tests.support.raw_origin import origin, redirect, reply
from tests.support.tunnel_proxy import CLOSED, SILENT, tunnelling
from thrift_idl.errors import AddressDenied, BadConfiguration, ConnectFailure, FetchTimeout, ProxyDown
from thrift_idl.gen.fetcher.ttypes import ExplainRequest

PAGE = reply(200, b"<p>hello")


async def test_http_goes_through_a_tunnel_to_the_vetted_address() -> None:
    async with origin({"/": PAGE}) as web, tunnelling() as through:
        async with fetching(web.port, proxy=through.proxy) as (fetcher, _):
            result = await fetcher.fetch(asked("http://a.test/"))
        assert [head.split("\r\n")[0] for head in through.heads] == [f"CONNECT 127.0.0.1:{web.port} HTTP/1.1"]
        assert [seen.host for seen in web.seen] == ["a.test", "a.test"]
    assert (result.content, result.peer) == (b"<p>hello", "127.0.0.1")


async def test_https_is_verified_within_the_tunnel(tmp_path) -> None:
    server, client = server_context(tmp_path, "secure.test")
    async with (
        origin({"/": PAGE}, ssl=server) as web,
        tunnelling() as through,
        fetching(web.port, tls=client, proxy=through.proxy) as (fetcher, _),
    ):
        result = await fetcher.fetch(asked("https://secure.test/"))
    assert result.status == 200 and result.tls.version.startswith("TLS")
    assert "secure.test" not in "".join(through.heads), "the proxy learns addresses, no names"


async def test_who_we_are_is_told_to_the_proxy_and_to_nobody_else() -> None:
    async with origin({"/": PAGE}) as web, tunnelling() as through:
        proxy = parse_proxy(f"http://user:p%40ss@127.0.0.1:{through.port}")
        async with fetching(web.port, proxy=proxy) as (fetcher, _):
            await fetcher.fetch(asked("http://a.test/"))
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz" in through.heads[0]
    assert not any("proxy-authorization" in seen.headers for seen in web.seen)


async def test_the_guard_judges_before_the_proxy_is_asked() -> None:
    replies = {"/": redirect("http://169.254.169.254/latest/meta-data/")}
    async with origin(replies) as web, tunnelling() as through:
        async with fetching(web.port, proxy=through.proxy) as (fetcher, _):
            with pytest.raises(AddressDenied):
                await fetcher.fetch(asked("http://a.test/"))
        assert len(through.heads) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"HTTP/1.1 503 Unavailable\r\n\r\n",
        b"HTTP/1.1 504 Too late\r\n\r\n",
        b"HTTP/1.1 200 x\r\n\r\nspeaks unasked",
        b"HTTP/1.1 200 x\r\nX: " + b"x" * 20_000,
        b"HTTP/1.1 200 half",
    ],
)
async def test_what_a_proxy_says_of_one_address_is_the_urls_own_outcome(refusal) -> None:
    async with tunnelling(refusal) as through, fetching(1, proxy=through.proxy) as (fetcher, transport):
        with pytest.raises(ConnectFailure, match="proxy"):
            await fetcher.fetch(asked("http://a.test/"))
        assert transport.open_connections == 0


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 407 Who?\r\n\r\n",
        b"HTTP/1.1 403 Who?\r\nProxy-Authenticate: Basic\r\n\r\n",
        b"HTTP/1.1 429 Slower\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
        CLOSED,
    ],
)
async def test_a_proxy_that_is_none_or_lets_us_not_in_is_down_and_no_urls_outcome(refusal) -> None:
    cache = MemoryRobotsCache()
    async with tunnelling(refusal) as through, fetching(1, proxy=through.proxy, cache=cache) as (fetcher, transport):
        with pytest.raises(ProxyDown, match=f"the proxy at 127.0.0.1:{through.port}"):
            await fetcher.fetch(asked("http://a.test/"))
        assert transport.open_connections == 0
        assert await cache.get("http://a.test") is None, "the host isn't taken for unreachable"


async def test_a_proxy_that_is_away_is_waited_for_by_asking_again() -> None:
    async with origin({"/": PAGE}) as web, tunnelling() as through:
        proxy = through.proxy
        await through.stop()
        async with fetching(web.port, proxy=proxy) as (fetcher, _):
            with pytest.raises(ProxyDown, match="no connection to the proxy"):
                await fetcher.fetch(asked("http://a.test/"))
            with pytest.raises(ProxyDown):
                await fetcher.explain(ExplainRequest(CONTEXT, "http://a.test/"))
            await through.start()
            assert (await fetcher.fetch(asked("http://a.test/"))).content == b"<p>hello"


@pytest.mark.parametrize(
    "answered", [b"", b"HTTP/1.1 200 x\r\nContent-", b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nhal"]
)
async def test_a_proxy_that_goes_in_the_middle_of_an_exchange_is_down(answered) -> None:
    """Before the answer, within its head, within its content: nothing is stored that was cut short so."""
    async with tunnelling() as through:

        async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answered)
            await writer.drain()
            await asyncio.sleep(0.05)  # the answer goes through
            await through.stop()

        async with (
            origin({"/": [cut, PAGE], "/robots.txt": reply(404)}) as web,
            fetching(web.port, proxy=through.proxy) as (fetcher, _),
        ):
            with pytest.raises(ProxyDown):
                await fetcher.fetch(asked("http://a.test/"))
            await through.start()
            assert (await fetcher.fetch(asked("http://a.test/"))).content == b"<p>hello"


async def test_a_site_that_breaks_off_behind_a_proxy_that_answers_fails_by_itself() -> None:
    async def closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with origin({"/": closes}) as web, tunnelling() as through:
        async with fetching(web.port, proxy=through.proxy) as (fetcher, _):
            with pytest.raises(ConnectFailure, match="without an answer"):
                await fetcher.fetch(asked("http://a.test/"))
        assert f"CONNECT 127.0.0.1:{through.port} " in through.heads[-1], "it was asked for itself"


async def test_a_proxy_that_answers_nothing_is_down_and_one_that_waits_for_a_site_is_not() -> None:
    settings = FetchPolicy(transport=TransportSettings(connect_ms=100))
    async with tunnelling(SILENT) as through:
        async with fetching(1, proxy=through.proxy, settings=settings) as (fetcher, _):
            with pytest.raises(ProxyDown, match="doesn't answer"):
                await fetcher.fetch(asked("http://a.test/"))
        through.refusal, through.silent_about = b"", ":1 "
        async with fetching(1, proxy=through.proxy, settings=settings) as (fetcher, _):
            with pytest.raises(FetchTimeout, match="connect"):
                await fetcher.fetch(asked("http://a.test/"))


async def test_of_many_that_fail_at_once_one_asks_the_proxy() -> None:
    settings = FetchPolicy(transport=TransportSettings(connect_ms=300))
    async with tunnelling(SILENT) as through, fetching(1, proxy=through.proxy, settings=settings) as (fetcher, _):
        urls = [f"http://h{n}.test/" for n in range(8)]
        ended = await asyncio.gather(*(fetcher.fetch(asked(url)) for url in urls), return_exceptions=True)
        assert {type(error) for error in ended} == {ProxyDown}
        assert sum(f"CONNECT 127.0.0.1:{through.port} " in head for head in through.heads) <= 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "socks5://127.0.0.1:1",
        "http://proxy.test:3128",
        "http://127.0.0.1",
        "http://127.0.0.1:99999",
        "http://1.2.3.4:1/x",
    ],
)
def test_what_is_no_proxy_is_bad_configuration(text) -> None:
    with pytest.raises(BadConfiguration, match=r"fetcher\.proxy"):
        parse_proxy(text)


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_proxy("http://user:secret@proxy.test:3128")
    assert "secret" not in str(caught.value) and "secret" not in repr(parse_proxy("http://user:secret@127.0.0.1:1"))
