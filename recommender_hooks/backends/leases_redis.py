"""Leases that several processes share, in Redis (the durable one: an evicted lease is broken)."""

from __future__ import annotations

import secrets
from pathlib import Path

from drivers import redis

_GIVE_BACK = (Path(__file__).parent / "give_back.lua").read_text()


class RedisLeases:
    """Implements `ImageLeases`. Raises `BadConfiguration` for a URL that isn't Redis's."""

    def __init__(self, url: str) -> None:
        self._redis = redis.connect(url)
        self._prefix = redis.prefix_of(url) + "image-lease:"
        self._owner = secrets.token_hex(8)

    async def take(self, key: bytes, lease_ms: int) -> bool:
        """Take the image unless it is taken; the lease ends after `lease_ms` at the latest."""
        with redis.answering("the image leases (redis)"):
            return bool(await self._redis.set(self._prefix + key.hex(), self._owner, nx=True, px=lease_ms))

    async def give_back(self, key: bytes) -> None:
        """End the lease, if it is still ours."""
        with redis.answering("the image leases (redis)"):
            await self._redis.eval(_GIVE_BACK, 1, self._prefix + key.hex(), self._owner)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
