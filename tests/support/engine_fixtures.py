"""Fixtures over the real engines. A shared engine gives each test something of its own; a private one may be killed.

The shared engines are those of `make engines`. A test whose engine is absent is skipped, saying how to start it;
under CI=true or ARAGOG_REQUIRE_ENGINES=1 it fails. `tests/support/engines.py` has the same as context managers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.engines import Engine
from tests.support import engines

if TYPE_CHECKING:
    from cassandra.cluster import Session

PrivateEngines = Callable[[str], Engine]


@pytest.fixture
def redis_durable_url() -> Iterator[str]:
    """A database of the durable Redis (AOF, noeviction), empty and this test's own: redis://127.0.0.1:PORT/N."""
    with engines.redis_database(engines.shared_engine("redis-durable")) as url:
        yield url


@pytest.fixture
def redis_cache_url() -> Iterator[str]:
    """A database of the evicting, forgetful Redis, empty and this test's own: redis://127.0.0.1:PORT/N."""
    with engines.redis_database(engines.shared_engine("redis-cache")) as url:
        yield url


@pytest.fixture(scope="session")
def cassandra_admin() -> Iterator[Session]:
    """A session of Cassandra's own driver on the shared node, in no keyspace."""
    with engines.cassandra_session(engines.shared_engine("cassandra")) as session:
        yield session


@pytest.fixture
def cassandra_url(cassandra_admin: Session) -> Iterator[str]:
    """An empty keyspace of this test's own: cassandra://127.0.0.1:PORT/KEYSPACE."""
    with engines.keyspace(engines.shared_engine("cassandra"), cassandra_admin) as url:
        yield url


@pytest.fixture
def s3_url() -> Iterator[str]:
    """An empty bucket of this test's own: s3://KEY:SECRET@127.0.0.1:PORT/BUCKET, over plain HTTP."""
    with engines.bucket(engines.shared_engine("s3")) as url:
        yield url


@pytest.fixture
def kafka_url() -> str:
    """The broker: kafka://127.0.0.1:PORT. Topics aren't made by mere use: see `kafka_topic`."""
    return engines.shared_engine("kafka").url


@pytest.fixture
def kafka_topic() -> Iterator[str]:
    """The name of an empty topic of this test's own, with four partitions, on the broker of `kafka_url`."""
    with engines.topic(engines.shared_engine("kafka")) as name:
        yield name


@pytest.fixture
def engine_settings(
    redis_durable_url: str, redis_cache_url: str, cassandra_url: str, s3_url: str, kafka_url: str, kafka_topic: str
) -> dict[str, str]:
    """Settings, by name, that put all of Aragog's stores into engines, each empty and this test's own."""
    return {
        "urlstore_metadata": cassandra_url,
        "urlstore_content": s3_url,
        "fetcher_robots_cache": redis_cache_url,
        "pinlater_backend": redis_durable_url,
        "crawl_frontier": redis_durable_url,
        "events_leases": redis_durable_url,
        "events_sink": f"{kafka_url}/{kafka_topic}",
    }


@pytest.fixture
def private_engines() -> Iterator[PrivateEngines]:
    """Start engines of this test's own by name, as many as it likes; all are wiped afterwards."""
    with contextlib.ExitStack() as started:
        yield lambda name: started.enter_context(engines.private_engine(name))


@pytest.fixture
def private_redis(private_engines: PrivateEngines) -> Engine:
    """A durable Redis of this test's own, to be killed, paused, restarted: ready in 0.1 s."""
    return private_engines("redis-durable")


@pytest.fixture
def private_cassandra(private_engines: PrivateEngines) -> Engine:
    """A Cassandra of this test's own, to be killed, paused, restarted: ready in 6 s, 600 MiB."""
    return private_engines("cassandra")


@pytest.fixture
def private_s3(private_engines: PrivateEngines) -> Engine:
    """An S3 store of this test's own, to be killed, paused, restarted: ready in 5 s; it has no bucket yet."""
    return private_engines("s3")


@pytest.fixture
def private_kafka(private_engines: PrivateEngines) -> Engine:
    """A Kafka broker of this test's own, to be killed, paused, restarted: ready in 4 s; it has no topic yet."""
    return private_engines("kafka")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 4 MiB, mounted for this test; skipped where one may not mount."""
    with engines.small_file_system(tmp_path / "small-disk") as directory:
        yield directory
