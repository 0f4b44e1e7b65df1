"""A client of a service of ours, by its address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from thrift_idl.rpc import Channel, ClientLimits

P = TypeVar("P")


@asynccontextmanager
async def client_of(address: str, protocol: Callable[..., P], deadline_ms: int = 30_000) -> AsyncIterator[P]:
    """A client of the service at `address`."""
    channel = Channel(address, ClientLimits(deadline_ms=deadline_ms))
    try:
        yield channel.client(protocol)
    finally:
        await channel.close()
