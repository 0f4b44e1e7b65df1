"""Connection URL -> opened backend, one table a seam. A distributed backend is imported when it is named."""

# ruff: noqa: PLC0415 - a backend is imported only if a URL names it: drivers are heavy, and commands start often
from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from aragog.data_locations import PLACES, refuse_if_left_behind
from aragog.settings import Settings
from drivers.paths import path_of
from runtime.clock import monotonic_ms, precise_wall_ms
from thrift_idl.errors import BadConfiguration

if TYPE_CHECKING:
    from crawler.frontier import Frontier
    from fetcher.robots.cache import RobotsCache
    from pinlater.backends import Backend as JobsBackend
    from ratelimiter import StateBackend
    from ratelimiter.holds import Holds
    from recommender_hooks.backends import EventSink
    from recommender_hooks.images.image_leases import ImageLeases
    from urlstore.backends import ContentBackend, MetadataBackend

B = TypeVar("B")
Open = Callable[[str, Settings], Awaitable[B]]


async def _sqlite_metadata(url: str, settings: Settings) -> MetadataBackend:
    from urlstore.backends.sqlite import SqliteMetadata

    return await SqliteMetadata.open(url, durability=settings.durability)


async def _cassandra_metadata(url: str, _: Settings) -> MetadataBackend:
    from urlstore.backends.cassandra import CassandraMetadata

    return await CassandraMetadata.open(url)


async def _sqlite_content(url: str, settings: Settings) -> ContentBackend:
    from urlstore.backends.sqlite_content import SqliteContent

    return await SqliteContent.open(url, durability=settings.durability)


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
    from ratelimiter import FileState

    return await FileState.open(path_of(url, "file"), monotonic_ms)


async def _memory_limits(_: str, __: Settings) -> StateBackend:
    from ratelimiter import MemoryState

    return MemoryState()


async def _redis_limits(url: str, _: Settings) -> StateBackend:
    from ratelimiter.backends.redis import RedisState

    return await RedisState.open(url, monotonic_ms)


async def _memory_holds(_: str, __: Settings) -> Holds:
    from ratelimiter.holds import VOLATILE

    return VOLATILE


async def _file_holds(url: str, _: Settings) -> Holds:
    from ratelimiter.backends.holds_file import FileHolds

    return await FileHolds.open(path_of(url, "file"), precise_wall_ms)


async def _redis_holds(url: str, _: Settings) -> Holds:
    from ratelimiter.backends.holds_redis import RedisHolds

    return RedisHolds.open(url)


async def _sqlite_jobs(url: str, settings: Settings) -> JobsBackend:
    from pinlater.backends.sqlite import SqliteBackend

    return await SqliteBackend.open(url, durability=settings.durability)


async def _redis_jobs(url: str, _: Settings) -> JobsBackend:
    from pinlater.backends.redis import RedisBackend

    return await RedisBackend.open(url)


async def _sqlite_frontier(url: str, settings: Settings) -> Frontier:
    from crawler.frontier.sqlite import SqliteFrontier

    return await SqliteFrontier.open(url, durability=settings.durability)


async def _redis_frontier(url: str, _: Settings) -> Frontier:
    from crawler.frontier.redis import RedisFrontier

    return await RedisFrontier.open(url)


async def _jsonl_sink(url: str, settings: Settings) -> EventSink:
    from recommender_hooks.backends.jsonl import JsonlSink

    return await JsonlSink.open(url, durability=settings.durability)


async def _kafka_sink(url: str, settings: Settings) -> EventSink:
    from recommender_hooks.backends.kafka import KafkaSink

    return await KafkaSink.open(url, durability=settings.durability)


async def _memory_leases(_: str, __: Settings) -> ImageLeases:
    from recommender_hooks.images.image_leases import MemoryLeases

    return MemoryLeases()


async def _redis_leases(url: str, _: Settings) -> ImageLeases:
    from recommender_hooks.backends.leases_redis import RedisLeases

    return RedisLeases(url)


def jobs_of_shard(name: str) -> Mapping[str, Open[JobsBackend]]:
    """The table of PinLater's backends if several make one store. A shard that is down at that time opens, too."""

    async def sqlite(url: str, settings: Settings) -> JobsBackend:
        from pinlater.backends.sqlite import SqliteBackend

        return await SqliteBackend.open(url, shard=name, durability=settings.durability)

    async def redis(url: str, _: Settings) -> JobsBackend:
        from pinlater.backends.redis import RedisBackend

        return await RedisBackend.open(url, shard=name, ask=False)

    return {"sqlite": sqlite, "redis": redis}


METADATA: Mapping[str, Open[MetadataBackend]] = {"sqlite": _sqlite_metadata, "cassandra": _cassandra_metadata}


def metadata_of_any_keys() -> Mapping[str, Open[MetadataBackend]]:
    """The table of metadata backends, for a store whose URL keys may be of an earlier version."""

    async def sqlite(url: str, settings: Settings) -> MetadataBackend:
        from urlstore.backends.sqlite import SqliteMetadata

        return await SqliteMetadata.open(url, durability=settings.durability, any_keys=True)

    async def cassandra(url: str, _: Settings) -> MetadataBackend:
        from urlstore.backends.cassandra import CassandraMetadata

        return await CassandraMetadata.open(url, any_keys=True)

    return {"sqlite": sqlite, "cassandra": cassandra}


def frontiers_of_any_keys() -> Mapping[str, Open[Frontier]]:
    """The table of frontiers, for one whose URL keys may be of an earlier version."""

    async def sqlite(url: str, settings: Settings) -> Frontier:
        from crawler.frontier.sqlite import SqliteFrontier

        return await SqliteFrontier.open(url, durability=settings.durability, any_keys=True)

    async def redis(url: str, _: Settings) -> Frontier:
        from crawler.frontier.redis import RedisFrontier

        return await RedisFrontier.open(url, any_keys=True)

    return {"sqlite": sqlite, "redis": redis}


CONTENT: Mapping[str, Open[ContentBackend]] = {
    "sqlite": _sqlite_content,
    "file": _file_content,
    "s3": _s3_content,
}
ROBOTS_CACHE: Mapping[str, Open[RobotsCache]] = {"sqlite": _sqlite_robots, "redis": _redis_robots}
JOBS: Mapping[str, Open[JobsBackend]] = {"sqlite": _sqlite_jobs, "redis": _redis_jobs}
FRONTIER: Mapping[str, Open[Frontier]] = {"sqlite": _sqlite_frontier, "redis": _redis_frontier}
SINK: Mapping[str, Open[EventSink]] = {"file": _jsonl_sink, "kafka": _kafka_sink}
LEASES: Mapping[str, Open[ImageLeases]] = {"memory": _memory_leases, "redis": _redis_leases}
LIMITER_STATE: Mapping[str, Open[StateBackend]] = {
    "file": _file_limits,
    "memory": _memory_limits,
    "redis": _redis_limits,
}
HOLDS: Mapping[str, Open[Holds]] = {"file": _file_holds, "memory": _memory_holds, "redis": _redis_holds}


async def open_backend(setting: str, table: Mapping[str, Open[B]], url: str, settings: Settings) -> B:
    """The backend that `url` names, from `table`. Raises `BadConfiguration` naming `setting`, and errors of opening."""
    scheme, separator, _ = url.partition("://")
    if scheme not in table or not separator:
        known = (f"{name}:///full/path" if name in PLACES else f"{name}://" for name in table)
        raise BadConfiguration(f"{setting} names no backend; known: {', '.join(known)} ({{data_dir}} may begin a path)")
    try:
        refuse_if_left_behind(url, settings)
        return await table[scheme](settings.expand(url), settings)
    except BadConfiguration as error:
        raise BadConfiguration(f"{setting}: {error.message}") from None
    except ModuleNotFoundError as error:
        raise BadConfiguration(
            f"{setting}: {scheme}:// needs the package {error.name}: pip install 'aragog[distributed]'"
        ) from error
