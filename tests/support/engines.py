"""Loans of a real engine to a test: a database, keyspace, bucket or topic of its own, removed afterwards.

Every function takes any `deploy.engines.Engine`, shared or private, so that a fault test can do the same
on an engine that it kills. Clients here are the engines' own (redis-py, cassandra-driver, boto3,
confluent-kafka), never ours: a test that reads back through them doesn't believe our code.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import pytest

from deploy.engines import Engine, EngineState, private, shared

if TYPE_CHECKING:
    from cassandra.cluster import Session
    from redis import Redis

#: Parameters of tests over several backends, marked as the fixtures of an engine mark (`-m "not redis"`).
REDIS = pytest.param("redis", marks=pytest.mark.redis)
CASSANDRA = pytest.param("cassandra", marks=(pytest.mark.cassandra, pytest.mark.s3))
KAFKA = pytest.param("kafka", marks=pytest.mark.kafka)

_REDIS_DATABASES = 1024  # redis-*.conf; database 0 keeps the leases of the others
_REDIS_LEASE_S = 3_600  # a test run that was killed gives its databases back after this


def required() -> bool:
    """True if a missing engine is a failure: under CI=true or ARAGOG_REQUIRE_ENGINES=1."""
    return os.environ.get("CI") == "true" or os.environ.get("ARAGOG_REQUIRE_ENGINES") == "1"


def unavailable(reason: str) -> NoReturn:
    """Skip the test for this reason, or fail it where engines are required."""
    if required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def shared_engine(name: str) -> Engine:
    """Return the shared engine of this name if it runs and answers; else skip (or fail) saying how to start it."""
    engine = shared(name)
    if engine.state is not EngineState.RUNNING:
        unavailable(f"{name} is {engine.state.value}: start it with `make engines`")
    if not engine.answers():
        unavailable(f"{name} runs but does not answer: see {engine.site.directory}, then `make engines`")
    return engine


@contextlib.contextmanager
def private_engine(name: str) -> Iterator[Engine]:
    """Start an engine of this test's own, in its own directory and on its own ports; wipe it afterwards.

    Where `make engines` hasn't started the shared one, this skips, too: nothing is fetched in a test.
    """
    shared_engine(name)
    engine = private(name)
    try:
        engine.start()
        yield engine
    finally:
        engine.wipe()


@contextlib.contextmanager
def redis_database(engine: Engine) -> Iterator[str]:
    """Lease an empty database of a Redis: yields redis://HOST:PORT/N, N > 0, flushed before and after.

    FLUSHALL, CONFIG SET, SCRIPT FLUSH and the like reach every database: such tests want `private_redis`.
    """
    with _redis(engine, 0) as leases:
        number = next(n for n in range(1, _REDIS_DATABASES) if _lease(leases, n))
        try:
            with _redis(engine, number) as database:
                database.flushdb()
                yield f"redis://{engine.host}:{engine.port}/{number}"
                database.flushdb()
        finally:
            leases.delete(_lease_key(number))


@contextlib.contextmanager
def keyspace(engine: Engine, session: Session | None = None) -> Iterator[str]:
    """Make an empty keyspace (SimpleStrategy, one replica): yields cassandra://HOST:PORT/KEYSPACE.

    `session` saves the quarter of a second that a connection takes.
    """
    name = f"t_{uuid.uuid4().hex[:16]}"
    with cassandra_session(engine) if session is None else contextlib.nullcontext(session) as connected:
        connected.execute(
            f"CREATE KEYSPACE {name} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
        )
        yield f"{engine.url}/{name}"
        connected.execute(f"DROP KEYSPACE IF EXISTS {name}", timeout=60)


@contextlib.contextmanager
def cassandra_session(engine: Engine) -> Iterator[Session]:
    """Connect to a Cassandra by its own driver."""
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile

    profile = ExecutionProfile(request_timeout=30)
    cluster = Cluster([engine.host], port=engine.port, execution_profiles={EXEC_PROFILE_DEFAULT: profile})
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


@contextlib.contextmanager
def bucket(engine: Engine) -> Iterator[str]:
    """Make an empty bucket: yields s3://KEY:SECRET@HOST:PORT/BUCKET; removed with what is in it."""
    name = f"t-{uuid.uuid4().hex[:16]}"
    client = s3_client(engine.url)
    client.create_bucket(Bucket=name)
    yield f"{engine.url}/{name}"
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        if objects := [{"Key": entry["Key"]} for entry in page.get("Contents", ())]:
            client.delete_objects(Bucket=name, Delete={"Objects": objects})
    client.delete_bucket(Bucket=name)


def s3_client(url: str, timeout_s: float = 30) -> Any:  # boto3 makes its clients' types at run time
    """Return a boto3 client for an `s3://KEY:SECRET@HOST:PORT[/BUCKET]` URL; it does not retry."""
    import boto3
    from botocore.config import Config

    parts = urlsplit(url)
    return boto3.client(
        "s3",
        endpoint_url=f"http://{parts.hostname}:{parts.port}",
        aws_access_key_id=parts.username,
        aws_secret_access_key=parts.password,
        region_name="us-east-1",
        config=Config(
            connect_timeout=timeout_s,
            read_timeout=timeout_s,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            # Ceph 16 doesn't know the checksum trailers that newer clients send unasked.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@contextlib.contextmanager
def topic(engine: Engine, partitions: int = 4) -> Iterator[str]:
    """Make an empty topic: yields its name.

    A topic is there, and gone, a moment after the controller has said so: this waits for the broker to know it.
    """
    from confluent_kafka.admin import (  # type: ignore[attr-defined]  # NewTopic: re-exported without saying so
        AdminClient,
        NewTopic,
    )

    name = f"t-{uuid.uuid4().hex[:16]}"
    admin = AdminClient({"bootstrap.servers": f"{engine.host}:{engine.port}"})

    def known() -> bool:
        return name in admin.list_topics(timeout=30).topics

    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
    _until(known)
    yield name
    admin.delete_topics([name])[name].result(30)
    _until(lambda: not known())


@contextlib.contextmanager
def small_file_system(directory: Path, size_mib: int = 4) -> Iterator[Path]:
    """Mount a file system of a few MiB at `directory`, to be filled by a test; skip where one may not mount."""
    directory.mkdir(parents=True, exist_ok=True)
    options = f"size={size_mib}m,mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "aragog-small-disk", str(directory)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("a full disk needs the program `mount`")
    if done.returncode:
        pytest.skip(f"a full disk needs the right to mount one: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def _until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(0.02)


@contextlib.contextmanager
def _redis(engine: Engine, number: int) -> Iterator[Redis]:
    from redis import Redis

    client = Redis(engine.host, engine.port, db=number, socket_timeout=10)
    try:
        yield client
    finally:
        client.close()


def _lease(leases: Redis, number: int) -> bool:
    return bool(leases.set(_lease_key(number), os.getpid(), nx=True, ex=_REDIS_LEASE_S))


def _lease_key(number: int) -> str:
    return f"tests:database:{number}"
