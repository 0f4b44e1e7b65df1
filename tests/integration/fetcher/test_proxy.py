"""A proxy for egress: every connection is a tunnel to the address that was vetted, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from fetcher.resolver import Endpoint
from fetcher.settings import FetcherSettings, TransportSettings
from fetcher.transport.proxy import Proxy, parse_proxy
from tests.integration.fetcher.certificates import server_context
from tests.integration.fetcher.kit import asked, fetching
from tests.integration.fetcher.origin import origin, redirect, reply
from thrift_idl.errors import AddressDenied, BadConfiguration, ConnectFailure, FetchTimeout

PAGE = reply(200, b"<p>hello")


@dataclass
class TunnelProxy:
    """Connects to whatever it is asked for, or answers `refusal`; logs the heads of its requests."""

    refusal: bytes = b""
    heads: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def proxy(self) -> Proxy:
        return Proxy(Endpoint("127.0.0.1", self.port))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if self.refusal:
                writer.write(self.refusal)
            else:
                await self._relay(head.split(" ")[1], reader, writer)
        writer.close()

    async def _relay(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = target.rpartition(":")
        onward, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        copies = [asyncio.ensure_future(_copy(*pair)) for pair in ((reader, back), (onward, writer))]
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        for copy in copies:
            copy.cancel()
        back.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def tunnelling(refusal: bytes = b""):
    served = TunnelProxy(refusal)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()


async def test_http_goes_through_a_tunnel_to_the_vetted_address():
    async with origin({"/": PAGE}) as web, tunnelling() as through:
        async with fetching(web.port, proxy=through.proxy) as (fetcher, _):
            result = await fetcher.fetch(asked("http://a.test/"))
        assert [head.split("\r\n")[0] for head in through.heads] == [f"CONNECT 127.0.0.1:{web.port} HTTP/1.1"]
        assert [seen.host for seen in web.seen] == ["a.test", "a.test"]
    assert (result.content, result.peer) == (b"<p>hello", "127.0.0.1")


async def test_https_is_verified_within_the_tunnel(tmp_path):
    server, client = server_context(tmp_path, "secure.test")
    async with (
        origin({"/": PAGE}, ssl=server) as web,
        tunnelling() as through,
        fetching(web.port, tls=client, proxy=through.proxy) as (fetcher, _),
    ):
        result = await fetcher.fetch(asked("https://secure.test/"))
    assert result.status == 200 and result.tls.version.startswith("TLS")
    assert "secure.test" not in "".join(through.heads), "the proxy learns addresses, no names"


async def test_who_we_are_is_told_to_the_proxy_and_to_nobody_else():
    async with origin({"/": PAGE}) as web, tunnelling() as through:
        proxy = parse_proxy(f"http://user:p%40ss@127.0.0.1:{through.port}")
        async with fetching(web.port, proxy=proxy) as (fetcher, _):
            await fetcher.fetch(asked("http://a.test/"))
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz" in through.heads[0]
    assert not any("proxy-authorization" in seen.headers for seen in web.seen)


async def test_the_guard_judges_before_the_proxy_is_asked():
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
        b"HTTP/1.1 407 Who?\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 x\r\n\r\nspeaks unasked",
        b"HTTP/1.1 200 x\r\nX: " + b"x" * 20_000,
        b"HTTP/1.1 200 half",
    ],
)
async def test_a_proxy_that_refuses_or_misbehaves_is_a_failed_connection(refusal):
    async with tunnelling(refusal) as through, fetching(1, proxy=through.proxy) as (fetcher, transport):
        with pytest.raises(ConnectFailure, match="proxy"):
            await fetcher.fetch(asked("http://a.test/"))
        assert transport.open_connections == 0


async def test_a_proxy_that_says_nothing_meets_the_deadline_for_connecting():
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    proxy = Proxy(Endpoint("127.0.0.1", server.sockets[0].getsockname()[1]))
    settings = FetcherSettings(transport=TransportSettings(connect_ms=100))
    async with fetching(1, proxy=proxy, settings=settings) as (fetcher, _):
        with pytest.raises(FetchTimeout, match="connect"):
            await fetcher.fetch(asked("http://a.test/"))
    server.close()


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
def test_what_is_no_proxy_is_bad_configuration(text):
    with pytest.raises(BadConfiguration, match=r"fetcher\.proxy"):
        parse_proxy(text)


def test_a_password_is_in_no_message():
    with pytest.raises(BadConfiguration) as caught:
        parse_proxy("http://user:secret@proxy.test:3128")
    assert "secret" not in str(caught.value) and "secret" not in repr(parse_proxy("http://user:secret@127.0.0.1:1"))
