"""The contract of every cache for copies of robots.txt: memory, SQLite, Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from fetcher.backends.robots_redis import RedisRobotsCache
from fetcher.backends.robots_sqlite import open_robots_cache
from fetcher.robots.cache import MemoryRobotsCache, RobotsCache, RobotsCopy
from tests.support.engines import REDIS
from thrift_idl.errors import BackendDown, BadConfiguration

HOUR_MS = 3_600_000
ORIGIN = "https://a.example:8443"
COPY = RobotsCopy(
    ORIGIN,
    b"User-agent: *\r\n\xff\x00Disallow: /",
    17,
    23,
    ("deferred", "robots_unavailable", "5xx: ü"),
    'W/"v1"',
    "Mon, 02 Nov 2026 10:00:00 GMT",
)

Open = Callable[[], Awaitable[RobotsCache]]


@pytest.fixture(params=["memory", "sqlite", "sqlite in memory", REDIS])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the cache under test; again the same one, where it outlives its process."""
    memory = MemoryRobotsCache()

    async def open_it() -> RobotsCache:
        if request.param == "memory":
            return memory
        if request.param == "redis":
            return RedisRobotsCache(url)
        return await open_robots_cache(url)

    url = f"sqlite:///{tmp_path}/robots.sqlite" if request.param == "sqlite" else "sqlite:///:memory:"
    if request.param == "redis":
        url = request.getfixturevalue("redis_cache_url")
    return open_it


@pytest.fixture
async def cache(opened: Open) -> AsyncIterator[RobotsCache]:
    cache = await opened()
    yield cache
    await cache.close()


async def test_what_was_put_comes_back_to_the_byte(cache: RobotsCache) -> None:
    await cache.put(COPY, HOUR_MS)
    assert await cache.get(ORIGIN) == COPY


async def test_an_unknown_origin_has_no_copy(cache: RobotsCache) -> None:
    await cache.put(COPY, HOUR_MS)
    assert await cache.get("https://a.example") is None


async def test_a_later_put_replaces_an_earlier_one(cache: RobotsCache) -> None:
    await cache.put(COPY, HOUR_MS)
    await cache.put(RobotsCopy(ORIGIN, b"new", 99), HOUR_MS)
    assert await cache.get(ORIGIN) == RobotsCopy(ORIGIN, b"new", 99)


async def test_a_copy_whose_time_is_over_is_gone(cache: RobotsCache) -> None:
    await cache.put(COPY, HOUR_MS)
    await cache.put(RobotsCopy(ORIGIN), 1)
    for _ in range(20_000):
        if await cache.get(ORIGIN) is None:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("still there")


async def test_large_files_are_kept_whole(cache: RobotsCache) -> None:
    content = bytes(range(256)) * 2000
    await cache.put(RobotsCopy(ORIGIN, content, 1), HOUR_MS)
    found = await cache.get(ORIGIN)
    assert found is not None and found.content == content


async def test_a_copy_outlives_the_process(opened: Open, request: pytest.FixtureRequest) -> None:
    first = await opened()
    await first.put(COPY, HOUR_MS)
    await first.close()
    if "sqlite in memory" in request.node.name:
        return
    second = await opened()
    assert await second.get(ORIGIN) == COPY
    await second.close()


async def test_a_redis_that_is_down_is_backend_down() -> None:
    cache = RedisRobotsCache("redis://127.0.0.1:1/0")
    with pytest.raises(BackendDown, match="robots cache"):
        await cache.get(ORIGIN)
    with pytest.raises(BackendDown):
        await cache.put(COPY, HOUR_MS)
    await cache.close()


async def test_prefixes_keep_users_of_one_redis_apart(redis_cache_url: str) -> None:
    one, other = (RedisRobotsCache(f"{redis_cache_url}?prefix={name}") for name in ("one", "other"))
    await one.put(COPY, HOUR_MS)
    assert await other.get(ORIGIN) is None and await one.get(ORIGIN) == COPY
    await one.close()
    await other.close()


@pytest.mark.parametrize(
    "url", ["redis://", "http://127.0.0.1:1/0", "redis://host:port/0", "redis://h/x", "redis://h/0?timeout=1", "redis"]
)
def test_a_bad_redis_url_is_a_bad_configuration(url) -> None:
    with pytest.raises(BadConfiguration):
        RedisRobotsCache(url)


def test_a_password_is_not_shown_in_the_error() -> None:
    with pytest.raises(BadConfiguration) as caught:
        RedisRobotsCache("redis://user:secret@host/x")
    assert "secret" not in caught.value.message
