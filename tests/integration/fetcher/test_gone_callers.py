"""Callers of the fetch service that go away: their requests end at the origin too, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from fetcher.batch import fetch_batch
from tests.support.loopback_fetcher import CONTEXT, asked, fetching
from tests.support.raw_origin import Origin, origin, reply
from thrift_idl.errors import BackendDown, DeadlineExceeded, FetchTimeout
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.records import replace
from thrift_idl.rpc import Channel, ClientLimits, RpcServer


@dataclass
class Slow:
    """Answers when released; knows who went away before."""

    began: int = 0
    gone: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._count(began=1)
        left = asyncio.ensure_future(reader.read())
        released = asyncio.ensure_future(self.released.wait())
        await asyncio.wait({left, released}, return_when=asyncio.FIRST_COMPLETED)
        released.cancel()
        if left.done():
            await self._count(gone=1)
        else:
            writer.write(reply(200, b"at last", "Connection: close"))
            writer.close()
            left.cancel()

    async def until(self, *, began: int = 0, gone: int = 0) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.began >= began and self.gone >= gone)

    async def _count(self, began: int = 0, gone: int = 0) -> None:
        async with self.changed:
            self.began += began
            self.gone += gone
            self.changed.notify_all()


@dataclass
class Kit:
    web: Origin
    slow: Slow
    address: str


@asynccontextmanager
async def served() -> AsyncIterator[Kit]:
    slow = Slow()
    async with origin({"/slow": slow, "/": reply(200, b"x")}) as web, fetching(web.port) as (service, _):
        server = RpcServer(Fetcher, service, cancellable=("fetch", "explain"))
        try:
            yield Kit(web, slow, f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
        finally:
            await server.close(0)


async def test_a_caller_that_closes_its_connection_ends_its_requests() -> None:
    async with served() as kit:
        channel = Channel(kit.address)
        calls = [asyncio.ensure_future(channel.client(Fetcher).fetch(asked(kit.web.url("/slow")))) for _ in range(3)]
        await kit.slow.until(began=3)
        await channel.close()
        await kit.slow.until(gone=3)
        for call in calls:
            with pytest.raises(BackendDown):
                await call


async def test_a_batch_that_is_left_ends_its_requests_and_not_those_of_others() -> None:
    async with served() as kit:
        channel = Channel(kit.address, ClientLimits(connections=1))
        client = channel.client(Fetcher)
        other = asyncio.ensure_future(client.fetch(asked(kit.web.url("/slow"))))
        await kit.slow.until(began=1)
        batch = fetch_batch(client, (asked(kit.web.url(target)) for target in ("/slow", "/slow", "/")))
        assert (await anext(batch)).result is not None
        await kit.slow.until(began=3)
        await batch.aclose()  # type: ignore[attr-defined]
        await kit.slow.until(gone=2)
        kit.slow.released.set()
        assert (await other).content == b"at last"
        assert kit.slow.gone == 2
        await channel.close()


@pytest.mark.parametrize("remaining_ms", [None, 200])
async def test_a_caller_whose_time_is_over_ends_its_request(remaining_ms) -> None:
    async with served() as kit:
        channel = Channel(kit.address, ClientLimits(deadline_ms=200))
        with pytest.raises((DeadlineExceeded, FetchTimeout)):  # whoever is first: the client, the server
            context = replace(CONTEXT, remaining_ms=remaining_ms)
            await channel.client(Fetcher).fetch(asked(kit.web.url("/slow"), context=context))
        await kit.slow.until(gone=1)
        await channel.close()
