"""The configured client of a `redis://` URL: bounded in connections and time, its errors are ours.

`redis://[user:password@]host[:port]/[db][?prefix=name]`; `rediss://` for TLS. `prefix` begins every key of its user,
so that tests and crawls share a server without conflicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, parse_qsl

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)

from drivers.connection_url import parts_of
from thrift_idl.errors import BackendDown, BadConfiguration, DiskFull

CONNECTIONS = 32
CONNECT_MS = 2_000
ANSWER_MS = 2_000


def connect(url: str) -> Redis:
    """A client for `url`; it connects when first used, answers bytes. Raises `BadConfiguration`.

    Commands aren't repeated: if a connection breaks, it is unknown whether a command arrived, and only the caller knows
    whether that matters. Every command belongs into `answering`.
    """
    parts = _parts(url)
    pool = BlockingConnectionPool.from_url(
        parts._replace(query="").geturl(),
        max_connections=CONNECTIONS,
        timeout=ANSWER_MS / 1000,
        socket_connect_timeout=CONNECT_MS / 1000,
        socket_timeout=ANSWER_MS / 1000,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def prefix_of(url: str) -> str:
    """The key prefix that `url` asks for, with its colon; "" = none. Raises `BadConfiguration`."""
    prefix = dict(parse_qsl(_parts(url).query)).get("prefix", "")
    return f"{prefix}:" if prefix else ""


@contextmanager
def answering(what: str = "redis") -> Iterator[None]:
    """Errors of the client as ours: `DiskFull` if it is out of memory, else `BackendDown`."""
    try:
        yield
    except OutOfMemoryError as error:
        raise DiskFull(f"{what} is out of memory: raise maxmemory or make room ({error})") from error
    except (BusyLoadingError, ReadOnlyError, RedisError, OSError) as error:
        raise BackendDown(f"{what} doesn't answer: {error or type(error).__name__}") from error


def _parts(url: str) -> SplitResult:
    parts = parts_of(url, "Redis")
    try:
        valid = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        valid = valid and (parts.path.strip("/") or "0").isdigit()
        unknown = {name for name, _ in parse_qsl(parts.query)} - {"prefix"}
    except ValueError:
        valid, unknown = False, set()
    if not valid or unknown:
        raise BadConfiguration("no Redis URL: write redis://host:port/db, perhaps with ?prefix=name")
    return parts
