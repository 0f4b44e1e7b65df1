"""Holds and blocks in the durable Redis that all shards share: one hash, by domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from redis.asyncio import Redis

from drivers.redis import answering, connect, prefix_of
from ratelimiter.holds import Hold, decode, encode

_PAGE: Final = 1_000


class RedisHolds:
    """`Holds` over Redis, by its clock. Entries that no longer matter are removed when they are read."""

    def __init__(self, redis: Redis, key: str) -> None:
        self._redis = redis
        self._key = key

    @classmethod
    def open(cls, url: str) -> RedisHolds:
        """The holds in the Redis that `url` names; it connects at the first use. Raises `BadConfiguration`."""
        return cls(connect(url), prefix_of(url) + "holds")

    async def load(self) -> Mapping[str, Hold]:
        """All of them. Raises `BackendDown`."""
        holds, stale = {}, []
        with answering():
            now = await self._now_ms()
            async for domain, content in self._redis.hscan_iter(self._key, count=_PAGE):
                hold = decode(content, now)
                if hold is None:
                    stale.append(domain)
                else:
                    holds[domain.decode("ascii", "replace")] = hold
            if stale:
                await self._redis.hdel(self._key, *stale)
        return holds

    async def keep(self, domain: str, hold: Hold) -> None:
        """Record a domain's hold. Raises `BackendDown`."""
        with answering():
            await self._redis.hset(self._key, domain, encode(hold, await self._now_ms()))

    async def close(self) -> None:
        """End the connections."""
        await self._redis.aclose()

    async def _now_ms(self) -> float:
        seconds, micros = await self._redis.time()
        return float(seconds * 1_000 + micros / 1_000)
