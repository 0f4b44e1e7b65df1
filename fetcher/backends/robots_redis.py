"""Copies of robots.txt in Redis: the distributed assembly's cache. The server may evict them."""

from __future__ import annotations

from drivers import redis
from fetcher.robots.cache import RobotsCopy, pack_copy, unpack_copy


class RedisRobotsCache:
    """Implements `RobotsCache`. Raises `BadConfiguration` for a URL that isn't Redis's."""

    def __init__(self, url: str) -> None:
        self._redis = redis.connect(url)
        self._prefix = redis.prefix_of(url) + "robots:"

    async def get(self, origin: str) -> RobotsCopy | None:
        """The copy last put for `origin`, unless it was forgotten."""
        with redis.answering("the robots cache (redis)"):
            packed = await self._redis.get(self._prefix + origin)
        return unpack_copy(packed) if isinstance(packed, bytes) else None

    async def put(self, copy: RobotsCopy, keep_ms: int) -> None:
        """Keep `copy` for at most `keep_ms`."""
        with redis.answering("the robots cache (redis)"):
            await self._redis.set(self._prefix + copy.origin, pack_copy(copy), px=max(1, keep_ms))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
