"""A small limiter service and the ends of connections that the tests of the RPC layer need."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException
from thrift.transport.TTransport import TMemoryBuffer

from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import (
    BlockRequest,
    DomainStatus,
    FeedbackRequest,
    Grant,
    Reservation,
    ReserveBatchRequest,
    ReserveRequest,
    StatusRequest,
)
from thrift_idl.rpc import Channel, ClientLimits, RpcServer, ServerLimits
from thrift_idl.rpc.dispatch import Load
from thrift_idl.rpc.failures import decode_application_error
from thrift_idl.rpc.message import CALL, EXCEPTION, GIVE_UP, encode, framed, read_header, write_header

GRANT = Grant(True, 12.5, 0.0, 100.0)


class Limiter:
    """Grants everything; `block` waits until `released`, `feedback` gives way once; `status` counts the calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.blocked = 0
        self.cancelled = 0
        self.released = asyncio.Event()
        self.on_reserve: Callable[[ReserveRequest], Grant] = lambda request: GRANT

    async def reserve(self, request: ReserveRequest) -> Grant:
        self.calls += 1
        return self.on_reserve(request)

    async def reserve_batch(self, request: ReserveBatchRequest) -> tuple[Grant, ...]:
        self.calls += 1
        return tuple(GRANT for _ in request.reservations)

    async def feedback(self, request: FeedbackRequest) -> None:
        self.calls += 1
        await asyncio.sleep(0)

    async def status(self, request: StatusRequest) -> DomainStatus:
        return DomainStatus(request.domain, 100.0, 0.0, 0.0, 0.0, f"{self.calls}")

    async def block(self, request: BlockRequest) -> None:
        self.calls += 1
        self.blocked += 1
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.blocked -= 1


def context(remaining_ms: int | None = None) -> Context:
    return Context("test", "request-1", remaining_ms)


def given_up(sequence: int) -> bytes:
    """The message of a client that no longer waits for that answer."""
    return framed(write_header(CALL, GIVE_UP, sequence) + b"\0")


def reserve(domain: str = "example.org", remaining_ms: int | None = None) -> ReserveRequest:
    return ReserveRequest(context(remaining_ms), Reservation(domain, f"www.{domain}"))


def block(remaining_ms: int | None = None) -> BlockRequest:
    return BlockRequest(context(remaining_ms), "example.org", 1000)


def call(name: str, arguments: Any, sequence: int = 1) -> bytes:
    """A call as a frame."""
    return framed(write_header(CALL, name.encode(), sequence) + encode(arguments))


@contextlib.asynccontextmanager
async def serving(
    service: object,
    limits: ServerLimits | None = None,
    protocol: Callable[..., object] = RateLimiter,
    cancellable: tuple[str, ...] = (),
) -> AsyncIterator[tuple[RpcServer, int]]:
    server = RpcServer(protocol, service, limits or ServerLimits(), cancellable)
    port = await server.start("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.close(grace_ms=0)


@contextlib.asynccontextmanager
async def calling(port: int, limits: ClientLimits | None = None) -> AsyncIterator[RateLimiter]:
    channel = Channel(f"127.0.0.1:{port}", limits or ClientLimits())
    try:
        yield channel.client(RateLimiter)
    finally:
        await channel.close()


@contextlib.asynccontextmanager
async def raw(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A plain connection, for callers that do not behave."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def deaf(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A plain connection that takes next to nothing until it is read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def load_of(server: RpcServer) -> Load:
    """The server's load."""
    assert server._dispatcher is not None
    return server._dispatcher.load


async def closed(reader: asyncio.StreamReader) -> bool:
    """True once the server has closed the connection, however it did."""
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def frame(reader: asyncio.StreamReader) -> bytes:
    """The next frame that the server sends."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(length)


async def until(true: Callable[[], bool]) -> None:
    """Returns when it is so, within half a minute."""
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


def application_error(message: bytes) -> tuple[int, InvalidRequest]:
    """Type and error of a TApplicationException, as a foreign client and as ours reads it."""
    header = read_header(message, EXCEPTION)
    foreign = TApplicationException()
    foreign.read(TBinaryProtocol(TMemoryBuffer(message[header.start :])))
    error = decode_application_error(message, header.start)
    assert isinstance(error, InvalidRequest)
    return foreign.type, error
