"""Connection URL -> opened backend, one table a seam. A distributed backend is imported when it is named."""

# ruff: noqa: PLC0415 - a backend is imported only where a URL names it: drivers are heavy, and commands start often
from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from aragog.settings import Settings
from thrift_idl.errors import BadConfiguration

if TYPE_CHECKING:
    from fetcher.robots.cache import RobotsCache
    from ratelimiter import StateBackend
    from urlstore.backends import ContentBackend, MetadataBackend

B = TypeVar("B")
Open = Callable[[str, Settings], Awaitable[B]]


async def _sqlite_metadata(url: str, settings: Settings) -> MetadataBackend:
    from urlstore.backends.sqlite import SqliteMetadata

    return await SqliteMetadata.open(url, durability=settings.durability)


async def _cassandra_metadata(url: str, _: Settings) -> MetadataBackend:
    from urlstore.backends.cassandra import CassandraMetadata

    return await CassandraMetadata.open(url)


async def _file_content(url: str, settings: Settings) -> ContentBackend:
    from urlstore.backends.files import FileContent

    return await FileContent.open(url, durability=settings.durability)


async def _s3_content(url: str, _: Settings) -> ContentBackend:
    from urlstore.backends.s3 import S3Content

    return await S3Content.open(url)


async def _sqlite_robots(url: str, _: Settings) -> RobotsCache:
    from fetcher.backends.robots_sqlite import open_robots_cache

    return await open_robots_cache(url)


async def _redis_robots(url: str, _: Settings) -> RobotsCache:
    from fetcher.backends.robots_redis import RedisRobotsCache

    return RedisRobotsCache(url)


async def _file_limits(url: str, _: Settings) -> StateBackend:
    from ratelimiter import FileState, monotonic_ms

    return await FileState.open(Path(url.removeprefix("file:///")), monotonic_ms)


async def _memory_limits(_: str, __: Settings) -> StateBackend:
    from ratelimiter import MemoryState

    return MemoryState()


METADATA: Mapping[str, Open[MetadataBackend]] = {"sqlite": _sqlite_metadata, "cassandra": _cassandra_metadata}
CONTENT: Mapping[str, Open[ContentBackend]] = {"file": _file_content, "s3": _s3_content}
ROBOTS_CACHE: Mapping[str, Open[RobotsCache]] = {"sqlite": _sqlite_robots, "redis": _redis_robots}
LIMITER_STATE: Mapping[str, Open[StateBackend]] = {"file": _file_limits, "memory": _memory_limits}


async def open_backend(setting: str, table: Mapping[str, Open[B]], url: str, settings: Settings) -> B:
    """The backend that `url` names, from `table`. Raises `BadConfiguration` naming `setting`; what opening raises."""
    scheme, separator, _ = url.partition("://")
    if scheme not in table or not separator:
        known = ", ".join(f"{name}://" for name in table)
        raise BadConfiguration(f"{setting}: {scheme!r} names no backend; known: {known}")
    try:
        return await table[scheme](settings.expand(url), settings)
    except ModuleNotFoundError as error:
        raise BadConfiguration(
            f"{setting}: {scheme}:// needs the package {error.name}: pip install 'aragog[distributed]'"
        ) from error
