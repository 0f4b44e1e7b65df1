"""`aragog ping`: 0 for a service of ours that answers, 1 for everything else, and never longer than it was told."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from aragog.cli.ping import ping
from tests.support.rpc_endpoints import Limiter
from thrift_idl.errors import BackendDown, BadConfiguration
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.rpc import RpcServer


@contextlib.asynccontextmanager
async def answering_with(answer: bytes) -> AsyncIterator[str]:
    """A server that says `answer` to the first bytes it gets, then waits."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_service_answers_and_none_of_its_handlers_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    limiter = Limiter()
    server = RpcServer(RateLimiter, limiter)
    address = f"127.0.0.1:{await server.start('127.0.0.1', 0)}"
    await asyncio.to_thread(ping, address)
    await server.close(0)
    assert capsys.readouterr().out.startswith(f"{address} answers")
    assert limiter.calls == 0


async def test_a_service_that_stopped_is_down() -> None:
    server = RpcServer(RateLimiter, Limiter())
    port = await server.start("127.0.0.1", 0)
    await server.close(0)
    with pytest.raises(BackendDown, match="is it started"):
        await asyncio.to_thread(ping, f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",  # its first four bytes are a length of a gigabyte
        b"\x00\x00\x00\x04rubb",
        b"\x00\x00\x00\x12\x80\x01\x00\x02\x00\x00\x00\x05other\x00\x00\x00\x01\x00",
        b"\x00\x00\x00\x11\x80\x01\x00\x02\x00\x00\x00\x04ping\x00\x00\x00\x63\x00",
    ],
)
async def test_something_else_on_the_port_is_no_service_of_ours(answer: bytes) -> None:
    async with answering_with(answer) as address:
        with pytest.raises(BackendDown, match="no service of ours"):
            await asyncio.to_thread(ping, address)


async def test_an_answer_that_breaks_off_is_none() -> None:
    async with answering_with(b"\x00\x00\x00\x40half") as address:
        with pytest.raises(BackendDown, match="doesn't answer within"):
            await asyncio.to_thread(ping, address, 200)


async def test_a_silent_server_is_given_up_after_the_time_out() -> None:
    async with answering_with(b"") as address:
        began = time.monotonic()
        with pytest.raises(BackendDown, match="doesn't answer within 200 ms"):
            await asyncio.to_thread(ping, address, 200)
        assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", ":80", "localhost:http", "localhost:0", "a:65536"])
def test_what_is_no_address_is_the_commands_fault(address: str) -> None:
    with pytest.raises(BadConfiguration, match="host:port"):
        ping(address)
