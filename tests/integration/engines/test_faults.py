"""Faults are real: an engine is killed, paused, resumed and restarted, and what it acknowledged is still there."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ReadTimeoutError
from cassandra import OperationTimedOut
from cassandra.cluster import Session
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisDown
from redis.exceptions import TimeoutError as RedisStalled
from redis.retry import Retry

from deploy.engines import Engine, EngineError, EngineState
from tests.support import engines
from tests.support.engine_fixtures import PrivateEngines


def _redis(engine: Engine, timeout_s: float = 10) -> Redis:
    return Redis(engine.host, engine.port, socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0))


def test_a_durable_redis_keeps_what_it_acknowledged_before_a_kill(private_redis: Engine) -> None:
    port = private_redis.port
    _redis(private_redis).set("k", "acknowledged")
    private_redis.kill()
    assert private_redis.state is EngineState.STOPPED
    with pytest.raises(RedisDown):
        _redis(private_redis).get("k")
    assert private_redis.start() is True
    assert private_redis.port == port
    assert _redis(private_redis).get("k") == b"acknowledged"


def test_a_cache_redis_comes_back_empty(private_engines: PrivateEngines) -> None:
    cache = private_engines("redis-cache")
    _redis(cache).set("k", "v")
    cache.restart()
    assert _redis(cache).get("k") is None


def test_a_paused_redis_lets_requests_time_out_and_answers_once_resumed(private_redis: Engine) -> None:
    _redis(private_redis).set("k", "v")
    private_redis.pause()
    assert private_redis.state is EngineState.PAUSED
    with pytest.raises(RedisStalled):
        _redis(private_redis, timeout_s=0.2).get("k")
    private_redis.resume()
    assert _redis(private_redis).get("k") == b"v"


def _make_table(session: Session) -> None:
    session.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    session.execute("CREATE TABLE ks.t (k int PRIMARY KEY)")


def _keys(engine: Engine) -> set[int]:
    with engines.cassandra_session(engine) as session:
        return {row.k for row in session.execute("SELECT k FROM ks.t")}


def test_cassandra_keeps_what_it_acknowledged_before_a_kill(private_cassandra: Engine) -> None:
    port = private_cassandra.port
    with engines.cassandra_session(private_cassandra) as session:
        _make_table(session)
        for key in range(100):
            session.execute(f"INSERT INTO ks.t (k) VALUES ({key})")
        private_cassandra.kill()
    private_cassandra.start()
    assert private_cassandra.port == port
    assert _keys(private_cassandra) == set(range(100))


def test_a_paused_cassandra_lets_requests_time_out_and_a_restarted_one_has_its_data(private_cassandra: Engine) -> None:
    with engines.cassandra_session(private_cassandra) as session:
        _make_table(session)
        private_cassandra.pause()
        with pytest.raises(OperationTimedOut):
            session.execute("INSERT INTO ks.t (k) VALUES (1)", timeout=0.5)
        private_cassandra.resume()
        session.execute("INSERT INTO ks.t (k) VALUES (2)")
    private_cassandra.restart()
    assert 2 in _keys(private_cassandra)


def test_s3_keeps_what_it_acknowledged_before_a_kill(private_s3: Engine) -> None:
    port = private_s3.port
    with engines.bucket(private_s3) as url:
        client, name = engines.s3_client(url), urlsplit(url).path.lstrip("/")
        for key in range(20):
            client.put_object(Bucket=name, Key=f"{key}", Body=b"content" * 5_000)
        private_s3.kill()
        private_s3.start()
        assert private_s3.port == port
        client = engines.s3_client(url)
        for key in range(20):
            assert client.get_object(Bucket=name, Key=f"{key}")["Body"].read() == b"content" * 5_000


def test_a_paused_s3_lets_requests_time_out_and_a_restarted_one_has_its_data(private_s3: Engine) -> None:
    with engines.bucket(private_s3) as url:
        name = urlsplit(url).path.lstrip("/")
        engines.s3_client(url).put_object(Bucket=name, Key="k", Body=b"content")
        private_s3.pause()
        with pytest.raises(ReadTimeoutError):
            engines.s3_client(url, timeout_s=0.5).get_object(Bucket=name, Key="k")
        private_s3.resume()
        assert engines.s3_client(url).get_object(Bucket=name, Key="k")["Body"].read() == b"content"
        private_s3.restart()
        assert engines.s3_client(url).get_object(Bucket=name, Key="k")["Body"].read() == b"content"


def test_kafka_keeps_what_it_acknowledged_before_a_kill_and_stalls_while_paused(private_kafka: Engine) -> None:
    broker = {"bootstrap.servers": f"{private_kafka.host}:{private_kafka.port}"}
    with engines.topic(private_kafka, partitions=1) as topic:
        producer = Producer({**broker, "acks": "all"})
        for number in range(100):
            producer.produce(topic, str(number).encode())
        assert producer.flush(30) == 0
        private_kafka.kill()
        private_kafka.start()
        consumer = Consumer({**broker, "group.id": "g", "auto.offset.reset": "earliest"})
        where = TopicPartition(topic, 0)
        assert consumer.get_watermark_offsets(where, timeout=30) == (0, 100)
        private_kafka.pause()
        with pytest.raises(KafkaException, match=r"_TIMED_OUT|_TRANSPORT"):
            consumer.get_watermark_offsets(where, timeout=0.5)
        private_kafka.resume()
        assert consumer.get_watermark_offsets(where, timeout=30) == (0, 100)
        consumer.close()


@pytest.mark.parametrize("name", ["redis-durable", "redis-cache", "cassandra", "s3", "kafka"])
def test_stop_leaves_no_process_and_a_second_start_says_that_it_runs(
    private_engines: PrivateEngines, name: str
) -> None:
    engine = private_engines(name)
    pids = engine.pids
    assert pids and engine.answers()
    assert engine.start() is False
    assert engine.pids == pids
    engine.stop()
    assert engine.pids == () and engine.state is EngineState.STOPPED and not engine.answers()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_an_engine_that_lost_a_process_is_broken_and_is_started_afresh(private_redis: Engine) -> None:
    (process,) = private_redis.site.processes().values()
    process.send(signal.SIGKILL)
    assert process.wait(5_000)
    assert private_redis.state is EngineState.BROKEN
    assert private_redis.start() is True
    assert private_redis.pids and private_redis.answers()


def test_stop_leaves_a_process_alone_that_took_over_a_recorded_pid(private_redis: Engine) -> None:
    (process,) = private_redis.site.processes().values()
    private_redis.site.path("processes.json").write_text(f'{{"redis": [{process.pid}, {process.started - 1}]}}')
    assert private_redis.state is EngineState.BROKEN
    private_redis.stop()
    assert process.alive
    process.send(signal.SIGKILL)
    assert process.wait(5_000)


def test_a_kept_port_that_another_program_took_is_a_clear_error(private_redis: Engine) -> None:
    private_redis.stop()
    taken = socket.create_server((private_redis.host, private_redis.port))
    with taken, pytest.raises(EngineError, match="is taken by another program"):
        private_redis.start()
    assert private_redis.start() is True
