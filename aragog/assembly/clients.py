"""Clients of our services, made from their addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from ratelimiter.pool import PooledRateLimiter
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
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


class ShardChannel:
    """A channel to one limiter of a pool."""

    def __init__(self, address: str, deadline_ms: int) -> None:
        self._channel = Channel(address, ClientLimits(deadline_ms=deadline_ms))
        self.limiter: RateLimiter = self._channel.client(RateLimiter)

    async def close(self) -> None:
        """End its connections."""
        await self._channel.close()


@asynccontextmanager
async def pool_of(membership: Path, deadline_ms: int) -> AsyncIterator[PooledRateLimiter]:
    """A client of the limiters that the file `membership` names. Raises `BadConfiguration`."""
    pool = await PooledRateLimiter.open(membership, lambda address: ShardChannel(address, deadline_ms))
    try:
        yield pool
    finally:
        await pool.close()
