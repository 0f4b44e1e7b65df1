"""Leases of the fixtures: each test has its own, and it is gone afterwards."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cassandra.cluster import Session
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from redis import Redis

from tests.support import engines


def test_each_redis_lease_is_an_empty_database_of_its_own(redis_durable_url: str) -> None:
    with engines.redis_database(engines.shared_engine("redis-durable")) as other:
        Redis.from_url(redis_durable_url).set("k", "mine")
        assert other != redis_durable_url
        assert Redis.from_url(other).get("k") is None
        Redis.from_url(other).set("k", "theirs")
        assert Redis.from_url(redis_durable_url).get("k") == b"mine"
    assert Redis.from_url(other).dbsize() == 0


def test_the_durable_redis_evicts_nothing_and_logs_every_write(redis_durable_url: str) -> None:
    config = Redis.from_url(redis_durable_url).config_get("*")
    assert config["maxmemory-policy"] == "noeviction"
    assert (config["appendonly"], config["appendfsync"]) == ("yes", "everysec")


def test_the_cache_redis_evicts_and_keeps_nothing(redis_cache_url: str) -> None:
    config = Redis.from_url(redis_cache_url).config_get("*")
    assert config["maxmemory-policy"] == "allkeys-lru"
    assert (config["appendonly"], config["save"]) == ("no", "")


def test_a_keyspace_takes_tables_and_is_dropped_afterwards(cassandra_admin: Session) -> None:
    with engines.keyspace(engines.shared_engine("cassandra"), cassandra_admin) as url:
        name = urlsplit(url).path.lstrip("/")
        cassandra_admin.execute(f"CREATE TABLE {name}.t (k int PRIMARY KEY, v text)")
        cassandra_admin.execute(f"INSERT INTO {name}.t (k, v) VALUES (1, 'one')")
        assert cassandra_admin.execute(f"SELECT v FROM {name}.t WHERE k = 1").one().v == "one"
    names = cassandra_admin.execute("SELECT keyspace_name FROM system_schema.keyspaces")
    assert name not in {row.keyspace_name for row in names}


def test_a_bucket_is_removed_with_what_was_put_into_it() -> None:
    with engines.bucket(engines.shared_engine("s3")) as url:
        client, name = engines.s3_client(url), urlsplit(url).path.lstrip("/")
        client.put_object(Bucket=name, Key="x/y", Body=b"content")
        client.put_object(Bucket=name, Key="x", Body=b"a key that is also another's prefix")
        assert client.get_object(Bucket=name, Key="x/y")["Body"].read() == b"content"
    assert name not in {there["Name"] for there in client.list_buckets()["Buckets"]}


def test_the_store_honours_conditional_puts(s3_url: str) -> None:
    client, name = engines.s3_client(s3_url), urlsplit(s3_url).path.lstrip("/")
    client.put_object(Bucket=name, Key="k", Body=b"first", IfNoneMatch="*")
    with pytest.raises(client.exceptions.ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=name, Key="k", Body=b"second", IfNoneMatch="*")


def test_a_topic_delivers_what_was_produced(kafka_url: str, kafka_topic: str) -> None:
    broker = {"bootstrap.servers": urlsplit(kafka_url).netloc}
    producer = Producer({**broker, "acks": "all", "enable.idempotence": True})
    producer.produce(kafka_topic, b"event", key=b"key")
    assert producer.flush(30) == 0
    consumer = Consumer({**broker, "group.id": kafka_topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([kafka_topic])
    message = consumer.poll(30)
    consumer.close()
    assert message is not None and (message.key(), message.value()) == (b"key", b"event")


def test_a_topic_is_deleted_afterwards(kafka_url: str) -> None:
    with engines.topic(engines.shared_engine("kafka")) as name:
        pass
    admin = AdminClient({"bootstrap.servers": urlsplit(kafka_url).netloc})
    assert name not in admin.list_topics(timeout=10).topics


def test_a_small_disk_fills_up_and_is_unmounted_afterwards(tmp_path: Path) -> None:
    with engines.small_file_system(tmp_path / "disk", size_mib=2) as disk:
        with pytest.raises(OSError, match="No space left on device"):
            (disk / "file").write_bytes(bytes(3 << 20))
        assert str(disk) in Path("/proc/mounts").read_text()
    assert str(disk) not in Path("/proc/mounts").read_text()
