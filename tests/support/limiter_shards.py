"""Shared parts of the pool's tests: a membership file, shards of one process over it, a client that calls them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from ratelimiter.holds import VOLATILE, Holds
from ratelimiter.pool import PooledRateLimiter, ShardOwnership
from ratelimiter.state import StateBackend
from tests.support.limiter_requests import Clock
from thrift_idl.gen.ratelimiter.protocol import RateLimiter

SKEW_MS = 300


def write_membership(path: Path, version: int, names: Sequence[str], skew_ms: int = SKEW_MS) -> None:
    """Replace the file as a whole; a shard's port is made of its name."""
    shards = "".join(f'[[shards]]\nname = "{name}"\naddress = "127.0.0.1:{1024 + ord(name)}"\n' for name in names)
    beside = path.with_suffix(".new")
    beside.write_text(f"version = {version}\nskew_ms = {skew_ms}\n{shards}")
    beside.replace(path)


class Pool:
    """Shards that look at the membership when tests say so."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.record: Holds = VOLATILE
        self.holds: dict[str, ShardOwnership] = {}
        self.services: dict[str, RateLimiterService] = {}

    async def start(self, name: str, state: StateBackend | None = None) -> RateLimiterService:
        hold = self.holds[name] = ShardOwnership(name, self.path, self.clock)
        await hold.look()
        state = MemoryState() if state is None else state
        service = RateLimiterService(state, await LimitsInForce.open(), self.clock, ownership=hold, holds=self.record)
        self.services[name] = service
        return service

    async def look(self) -> None:
        for hold in self.holds.values():
            await hold.look()

    async def client(self) -> PooledRateLimiter:
        return await PooledRateLimiter.open(self.path, self._connect)

    def _connect(self, address: str) -> Direct:
        return Direct(self, chr(int(address.rpartition(":")[2]) - 1024))


class Direct:
    """A connection that needs no network."""

    def __init__(self, pool: Pool, name: str) -> None:
        self._pool = pool
        self._name = name
        self.closed = False

    @property
    def limiter(self) -> RateLimiter:
        return self._pool.services[self._name]

    async def close(self) -> None:
        self.closed = True
