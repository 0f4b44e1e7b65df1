"""TLS over loopback: sessions are resumed, by name, and only where the certificate was verified."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack

from fetcher.transport import tls
from fetcher.transport.tls import ResumingContext, verifying_context
from tests.integration.fetcher.certificates import server_context
from tests.support.loopback_fetcher import asked, fetching
from tests.support.raw_origin import origin, reply
from thrift_idl.errors import TlsFailure

PAGE = reply(200, b"<p>hello", "Connection: close")


class Server:
    """A TLS origin that remembers which of its connections were resumed."""

    def __init__(self, tmp_path) -> None:
        self.context, _ = server_context(tmp_path, "good.test")
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.authority = tmp_path / "certificate.pem"
        self.resumed: list[bool] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.resumed.append(writer.get_extra_info("ssl_object").session_reused)
        writer.write(PAGE)
        await writer.drain()
        writer.close()

    def client(self) -> ssl.SSLContext:
        context = verifying_context()
        context.load_verify_locations(self.authority)
        return context


async def _fetched(server: Server, hosts: list[str]) -> list[str]:
    """Ends of one fetch a host, in turn; each has a connection of its own, and robots.txt one more."""
    ends = []
    async with (
        origin({"/": server.answer, "/robots.txt": server.answer}, ssl=server.context) as web,
        fetching(web.port, tls=server.client()) as (fetcher, _),
    ):
        for host in hosts:
            try:
                ends.append((await fetcher.fetch(asked(f"https://{host}:{web.port}/"))).tls.version)
            except TlsFailure as error:
                ends.append(error.code)
    return ends


async def test_a_later_connection_to_a_host_resumes_the_session_of_an_earlier_one(tmp_path) -> None:
    server = Server(tmp_path)
    assert await _fetched(server, ["good.test"] * 3) == ["TLSv1.2"] * 3
    assert server.resumed == [False, True, True, True]  # robots.txt came first


async def test_sessions_of_tls_13_save_nothing_and_are_not_kept(tmp_path) -> None:
    server = Server(tmp_path)
    server.context.maximum_version = ssl.TLSVersion.TLSv1_3
    assert await _fetched(server, ["good.test"] * 3) == ["TLSv1.3"] * 3
    assert server.resumed == [False] * 4


async def test_a_session_is_no_pass_for_another_name(tmp_path) -> None:
    server = Server(tmp_path)
    assert await _fetched(server, ["good.test", "other.test", "good.test"]) == ["TLSv1.2", "tls_failure", "TLSv1.2"]


async def test_a_server_that_forgot_the_session_gets_a_full_handshake(tmp_path) -> None:
    server = Server(tmp_path)
    client = server.client()
    replies = {"/": server.answer, "/robots.txt": server.answer}
    for _ in range(2):
        async with origin(replies, ssl=server.context) as web, fetching(web.port, tls=client) as (fetcher, _):
            assert (await fetcher.fetch(asked(f"https://good.test:{web.port}/"))).content == b"<p>hello"
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # another key for its tickets
        server.context.maximum_version = ssl.TLSVersion.TLSv1_2
        server.context.load_cert_chain(server.authority, tmp_path / "key.pem")
    assert server.resumed == [False, True, False, True]


async def test_no_more_sessions_are_kept_than_the_bound(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("fetcher.transport.tls._MOST_SESSIONS", 2)
    server = Server(tmp_path)
    client = server.client()
    assert isinstance(client, ResumingContext)
    replies = {"/": server.answer, "/robots.txt": reply(404)}
    async with origin(replies, ssl=server.context) as web, fetching(web.port, tls=client) as (fetcher, _):
        client.check_hostname = False  # many names, one certificate
        for number in range(5):
            await fetcher.fetch(asked(f"https://h{number}.test:{web.port}/"))
    assert list(client._sessions) == ["h3.test", "h4.test"]


async def test_what_is_told_of_a_certificate_is_its_own_however_often_it_was_read_before(tmp_path) -> None:
    names, client = ("good.test", "other.test"), verifying_context()
    webs = {}
    async with AsyncExitStack() as stack:
        for name in names:
            (folder := tmp_path / name).mkdir()
            context, _ = server_context(folder, name)
            client.load_verify_locations(folder / "certificate.pem")
            webs[name] = await stack.enter_async_context(origin({"/": PAGE, "/robots.txt": PAGE}, ssl=context))
        told = []
        for name in names * 2:
            async with fetching(webs[name].port, tls=client) as (fetcher, _):
                told.append((await fetcher.fetch(asked(f"https://{name}:{webs[name].port}/"))).tls.issuer)
    assert told == [*names, *names]


async def test_a_certificate_of_many_names_is_told_of_but_not_kept(tmp_path) -> None:
    others = [f"{number}.good.test" for number in range(1_000)]
    context, client = server_context(tmp_path, "good.test", others=others)
    kept = set(tls._certificates)
    async with origin({"/": PAGE}, ssl=context) as web, fetching(web.port, tls=client) as (fetcher, _):
        result = await fetcher.fetch(asked(f"https://good.test:{web.port}/"))
    assert result.tls.issuer == "good.test"
    assert set(tls._certificates) == kept
