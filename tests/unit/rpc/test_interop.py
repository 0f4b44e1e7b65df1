"""Every method of every service, argument by argument; and Apache's own client and server against ours."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolFactory
from thrift.server.TServer import TThreadedServer
from thrift.Thrift import TApplicationException
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TTransport import TFramedTransport, TFramedTransportFactory

from tests.support.idl_samples import sample, value
from tests.support.rpc_endpoints import GRANT, Limiter, calling, reserve, serving
from thrift_idl.errors import InternalError, InvalidRequest, NoSlot
from thrift_idl.gen.context.ttypes import Failure
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.ratelimiter import RateLimiter as service
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.rpc import Channel, ClientLimits
from thrift_idl.rpc.methods import Method, methods

METHODS = [
    pytest.param(protocol, method, id=f"{protocol.__name__}.{method.name}")
    for protocol in (Fetcher, PinLater, RateLimiter, UrlStore)
    for method in methods(protocol).values()
]


class Echo:
    """Any service: keeps what it was called with, returns a sample of what the method returns."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self.values: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._answer

    async def _answer(self, *values: Any) -> Any:
        self.values = values
        return returned(self._method)


def returned(method: Method) -> Any:
    entry = (method.result.thrift_spec or (None,))[0]
    return None if entry is None else value(entry[1], entry[3])


@pytest.mark.parametrize(("protocol", "method"), METHODS)
async def test_every_method_carries_its_arguments_and_its_value(protocol: Any, method: Method) -> None:
    echo = Echo(method)
    sent = method.unpack(sample(method.arguments))
    async with serving(echo, protocol=protocol) as (_, port):
        channel = Channel(f"127.0.0.1:{port}", ClientLimits(connections=1))
        call = getattr(channel.client(protocol), method.name)
        await call(*sent)  # the first waits for the connection, and its remaining_ms shrinks by that
        answer = await call(*sent)
        await channel.close()
    assert echo.values == sent
    assert answer == returned(method)


def apache_client(port: int) -> tuple[Any, TFramedTransport]:
    transport = TFramedTransport(TSocket("127.0.0.1", port))
    transport.open()
    return service.Client(TBinaryProtocol(transport, strictRead=True)), transport


async def test_apaches_client_is_served() -> None:
    limiter = Limiter()
    async with serving(limiter) as (_, port):

        def talk() -> None:
            client, transport = apache_client(port)
            assert client.reserve(reserve()) == GRANT
            with pytest.raises(TApplicationException) as unreadable:
                client.reserve(None)
            assert unreadable.value.type == TApplicationException.PROTOCOL_ERROR
            limiter.on_reserve = refuse
            with pytest.raises(Failure) as refused:
                client.reserve(reserve())
            assert (refused.value.code, refused.value.delay_ms) == ("no_slot", 5)
            transport.close()

        await asyncio.to_thread(talk)


def refuse(request: object) -> Any:
    raise NoSlot("not now", delay_ms=5)


class Apache:
    """A service for Apache's server: plain functions."""

    def reserve(self, request: Any) -> Any:
        if request.reservation.domain == "refused":
            raise Failure("deferred", "no_slot", "not now", 5)
        if request.reservation.domain == "broken":
            raise ValueError
        return GRANT


async def test_apaches_server_is_called() -> None:
    listener = TServerSocket("127.0.0.1", 0)
    listener.listen()
    port = listener.handle.getsockname()[1]
    listener.listen = lambda: None
    server = TThreadedServer(
        service.Processor(Apache()), listener, TFramedTransportFactory(), TBinaryProtocolFactory(), daemon=True
    )
    threading.Thread(target=server.serve, daemon=True).start()
    async with calling(port) as client:
        assert await client.reserve(reserve()) == GRANT
        with pytest.raises(NoSlot):
            await client.reserve(reserve("refused"))
        with pytest.raises(InternalError):
            await client.reserve(reserve("broken"))


async def test_a_server_without_the_method_is_told_apart() -> None:
    async with serving(Limiter()) as (_, port):
        channel = Channel(f"127.0.0.1:{port}")
        with pytest.raises(InvalidRequest, match="unknown method 'getQueueNames'"):
            await channel.client(PinLater).getQueueNames(sample(methods(PinLater)[b"getQueueNames"].arguments).context)
        await channel.close()
