"""Connection URLs of Cassandra, S3, Redis and Kafka: what they say, and that a message never repeats a secret."""

from __future__ import annotations

import pytest

from thrift_idl.errors import BadConfiguration

cassandra = pytest.importorskip("drivers.cassandra", reason="the distributed extra isn't installed")
s3 = pytest.importorskip("drivers.s3", reason="the distributed extra isn't installed")
redis = pytest.importorskip("drivers.redis", reason="the distributed extra isn't installed")
kafka = pytest.importorskip("drivers.kafka", reason="the distributed extra isn't installed")


def test_a_cassandra_url_names_hosts_keyspace_and_login() -> None:
    url = "cassandra://me:p%40ss@a.test:9042,[::1]:9043/aragog?replication_factor=3&consistency=QUORUM"
    address = cassandra.parse_address(url)
    assert address.contact_points == (("a.test", 9042), ("::1", 9043))
    assert (address.keyspace, address.user, address.password) == ("aragog", "me", "p@ss")
    assert (address.replication_factor, address.consistency) == (3, "QUORUM")
    assert str(address) == "cassandra://a.test:9042,[::1]:9043/aragog"
    assert "p@ss" not in repr(address)


@pytest.mark.parametrize(
    "bad",
    [
        "cassandra://me:hidden@a.test/aragog",
        "cassandra://me:hidden@a.test:9042",
        "cassandra://me:hidden@a.test:9042/Bad-Name",
        "cassandra://me:hidden@a.test:99999/aragog",
        "cassandra://me:hidden@a.test:9042/aragog?replication_factor=0",
        "cassandra://me:hidden@a.test:9042/aragog?consistency=EVENTUAL",
        "cassandra://me:hidden@a.test:9042/aragog?what=1",
        "redis://me:hidden@a.test:9042/aragog",
        "cassandra://me:hidden/@a.test:9042/aragog",
        "cassandra://me:hidden\u2100@a.test:9042/aragog",
    ],
)
def test_a_bad_cassandra_url_is_refused_without_its_password(bad: str) -> None:
    with pytest.raises(BadConfiguration) as error:
        cassandra.parse_address(bad)
    assert "hidden" not in str(error.value) and "Cassandra URL" in str(error.value)


def test_an_s3_url_names_a_store_of_ones_own_or_amazons() -> None:
    own = s3.parse_address("s3://KEY:se%2Fcret@127.0.0.1:9000/pages")
    assert (own.endpoint, own.bucket, own.key, own.secret) == ("http://127.0.0.1:9000", "pages", "KEY", "se/cret")
    assert str(own) == "s3://127.0.0.1:9000/pages"
    assert "cret" not in repr(own) and "KEY" not in repr(own)
    amazons = s3.parse_address("s3://pages?region=eu-west-1")
    assert (amazons.endpoint, amazons.bucket, amazons.region, amazons.key) == ("", "pages", "eu-west-1", "")
    assert str(amazons) == "s3://pages"


@pytest.mark.parametrize(
    "bad",
    [
        "s3://",
        "s3://KEY:hidden@127.0.0.1:9000",
        "s3://KEY:hidden@127.0.0.1/pages",
        "s3://KEY:hidden@127.0.0.1:9000/pages/deep",
        "s3://KEY@127.0.0.1:9000/pages",
        "s3://127.0.0.1:9000/pages",
        "http://KEY:hidden@127.0.0.1:9000/pages",
        "s3://KEY:hidden@[::1/pages",
    ],
)
def test_a_bad_s3_url_is_refused_without_its_secret(bad: str) -> None:
    with pytest.raises(BadConfiguration) as error:
        s3.parse_address(bad)
    assert "hidden" not in str(error.value) and "S3 URL" in str(error.value)


@pytest.mark.parametrize(
    "bad",
    [
        "http://me:hidden@a.test/0",
        "redis://me:hidden@/0",
        "redis://me:hidden@a.test:x/0",
        "redis://me:hidden@a.test:99999/0",
        "redis://me:hidden@a.test/name",
        "redis://me:hid/hidden@a.test/0",
        "redis://me:hidden@[::1/0",
        "redis://me:hidden\u2100@a.test/0",
        "redis://a.test/0?password=hidden",
    ],
)
def test_a_bad_redis_url_is_refused_without_its_password(bad: str) -> None:
    for read in (redis.connect, redis.prefix_of):
        with pytest.raises(BadConfiguration) as error:
            read(bad)
        assert "hidden" not in str(error.value) and "no Redis URL" in str(error.value)


@pytest.mark.parametrize(
    "bad",
    [
        "kafka://me:hidden@a.test:9092/topic",
        "kafka://me:hidden@a.test/topic",
        "kafka://me:hid/hidden@a.test:9092/topic",
        "kafka://me:hidden@[::1/topic",
        "kafka://a.test:9092/topic?password=hidden",
    ],
)
def test_a_kafka_url_with_a_login_is_refused_without_it(bad: str) -> None:
    with pytest.raises(BadConfiguration) as error:
        kafka.parse_address(bad)
    assert "hidden" not in str(error.value) and "no Kafka URL" in str(error.value)
