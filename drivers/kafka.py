"""Producer, topic and reader of a `kafka://` URL: sends can be awaited, the topic exists.

`kafka://host:port[,host:port...]/topic`. The producer is idempotent and waits for all in-sync replicas. Its librdkafka
uses its own threads for the network; one thread of ours brings the delivery reports to the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType  # type: ignore[attr-defined]  # re-exported without saying so

from drivers.connection_url import parts_of
from runtime.clock import monotonic_ms
from runtime.host_port import split
from thrift_idl.errors import BackendDown, BadConfiguration, EventTooLarge

ANSWER_MS = 10_000
"""The time for which a broker may be silent before it counts as down, unless a caller gives another."""

MESSAGE_BYTES = 1_048_588
"""The largest message of a topic that we make: Kafka's own default, whatever setting its brokers have."""

_OVERHEAD_BYTES = 512
"""Overhead of a batch with one message; in truth less."""
_LEAST_BYTES = 1_000  # librdkafka takes no smaller bound
_MOST_BYTES = "max.message.bytes"
#: A client that may write is not always allowed to ask.
_UNTOLD = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
_POLL_S = 0.25
_QUEUE_FULL_S = 0.02
_QUIET: dict[str, Any] = {"log_level": 0}  # for clients that raise their errors
_PASSING = (KafkaError._UNKNOWN_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """The parts of a `kafka://` URL."""

    servers: str
    topic: str

    def __str__(self) -> str:
        return f"kafka://{self.servers}/{self.topic}"


@dataclass(frozen=True, slots=True)
class Message:
    """One record of a topic. Records of one key keep their order."""

    key: bytes
    value: bytes


def parse_address(url: str) -> KafkaAddress:
    """The parts of the URL. Raises `BadConfiguration`."""
    parts = parts_of(url, "Kafka")
    topic = parts.path.strip("/")
    is_valid = all(map(split, parts.netloc.split(","))) and topic and "/" not in topic
    if parts.scheme != "kafka" or not is_valid or parts.query or "@" in parts.netloc:
        raise BadConfiguration("no Kafka URL: write kafka://host:port/topic, without a login")
    return KafkaAddress(parts.netloc, topic)


class TopicProducer:
    """Sends to one topic, which must exist. Used from one event loop; it reconnects by itself."""

    def __init__(
        self, address: KafkaAddress, *, send_timeout_ms: int = ANSWER_MS, most_bytes: int = MESSAGE_BYTES
    ) -> None:
        """`most_bytes`: the topic's limit (`largest_message`); no batch is larger."""
        self.address = address
        self._most_bytes = max(_LEAST_BYTES, most_bytes - _OVERHEAD_BYTES)
        self._send_timeout_ms = send_timeout_ms
        self._closed = False
        self._producer = self._connect()
        # A daemon: a process that ends without closing must not hang on it.
        self._poller = threading.Thread(target=self._poll, name="kafka-reports", daemon=True)
        self._poller.start()

    async def send(self, messages: Sequence[Message]) -> None:
        """Return once the broker has acknowledged all of them. Raises `BackendDown`; some may be stored then.

        Raises `EventTooLarge` at a message that the topic doesn't take; the messages after it aren't sent.
        """
        if self._closed:
            raise BackendDown(f"the connection to {self.address} is closed")
        if not messages:
            return
        producer, reports = self._producer, _Reports(len(messages), asyncio.get_running_loop())
        try:
            for message in messages:
                await self._produce(producer, message, reports)
            error = await reports.first_error
        except KafkaException as refused:  # of produce itself
            error = refused.args[0]
        if error:
            await self._replace(producer, error)
            if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                largest = max(len(message.key) + len(message.value) for message in messages)
                raise EventTooLarge(
                    f"{self.address} takes no message of {largest} bytes: raise max.message.bytes of the topic"
                )
            raise BackendDown(f"{self.address} stored nothing for sure ({error.str()}): is the broker up?")

    async def close(self) -> None:
        """Let running sends end; their time-out bounds that."""
        self._closed = True
        await asyncio.to_thread(self._producer.flush, self._send_timeout_ms / 1000)
        await asyncio.to_thread(self._poller.join)

    async def _produce(self, producer: Producer, message: Message, reports: _Reports) -> None:
        deadline = asyncio.get_running_loop().time() + self._send_timeout_ms / 1000
        while True:
            try:
                producer.produce(
                    self.address.topic, key=message.key, value=message.value, on_delivery=reports.delivered
                )
                return
            except BufferError:  # librdkafka's queue is full: 100,000 messages or 1 GiB wait for the broker
                if asyncio.get_running_loop().time() > deadline:
                    raise BackendDown(f"{self.address} takes messages too slowly: try again later") from None
                await asyncio.sleep(_QUEUE_FULL_S)

    async def _replace(self, producer: Producer, error: KafkaError) -> None:
        """Replace a producer that lost its sequence: such a one never sends again."""
        is_fatal = error.fatal() or error.code() == KafkaError._FATAL
        if is_fatal and producer is self._producer:
            self._producer = self._connect()
            await asyncio.to_thread(producer.flush, self._send_timeout_ms / 1000)  # others wait for their reports

    def _connect(self) -> Producer:
        configuration = {
            "bootstrap.servers": self.address.servers,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "zstd",
            "linger.ms": 2,
            "partitioner": "murmur2_random",  # the Java client's: every writer puts a key into the same partition
            "message.timeout.ms": self._send_timeout_ms,
            "reconnect.backoff.max.ms": 1_000,
            "allow.auto.create.topics": False,
            "message.max.bytes": self._most_bytes,
        }
        return Producer(configuration, logger=_log)

    def _poll(self) -> None:
        while not self._closed:
            self._producer.poll(_POLL_S)


class _Reports:
    """The delivery reports of one send: `first_error` is done when all are in; None = all are stored."""

    def __init__(self, count: int, loop: asyncio.AbstractEventLoop) -> None:
        self.first_error: asyncio.Future[KafkaError | None] = loop.create_future()
        self._loop = loop
        self._left = count
        self._error: KafkaError | None = None

    def delivered(self, error: KafkaError | None, _: object) -> None:
        """Called by librdkafka, one call after another, in the poller's thread (or that of flush)."""
        self._error = self._error or error
        self._left -= 1
        if not self._left:
            try:
                self._loop.call_soon_threadsafe(self._tell)
            except RuntimeError:  # the loop was closed: no caller waits any more
                _log.debug("a delivery report came after the event loop's end")

    def _tell(self) -> None:
        if not self.first_error.done():
            self.first_error.set_result(self._error)


async def make_topic(url: str, *, partitions: int = 4, replicas: int = -1, answer_ms: int = ANSWER_MS) -> None:
    """Create the topic that `url` names if it is missing; an existing one stays unchanged.

    Its messages get the time of their arrival: by their own time, retention would delete backfilled ones. `replicas` -1
    is the broker's default. Raises `BadConfiguration`, `BackendDown`.
    """
    await asyncio.to_thread(_make_topic, parse_address(url), partitions, replicas, answer_ms)


async def largest_message(url: str, *, answer_ms: int = ANSWER_MS) -> int:
    """Bytes of the largest batch that the topic takes; Kafka's default if we may not ask. Raises `BackendDown`."""
    return await asyncio.to_thread(_largest_message, parse_address(url), answer_ms)


def messages(url: str, *, answer_ms: int = ANSWER_MS) -> Iterator[Message]:
    """All messages that the topic holds now, those of a key in their order.

    Blocks: not for an event loop's thread. Raises `BadConfiguration`, `BackendDown`.
    """
    address = parse_address(url)
    configuration: dict[str, Any] = {
        "bootstrap.servers": address.servers,
        "group.id": "aragog-reader",  # required by the library; nothing is committed
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
    }
    reader = Consumer(configuration | _QUIET)
    try:
        yield from _messages(reader, address, answer_ms)
    except KafkaException as error:
        raise BackendDown(f"{address} can't be read ({error.args[0].str()}): is the broker up?") from error
    finally:
        reader.close()


def _messages(reader: Consumer, address: KafkaAddress, answer_ms: int) -> Iterator[Message]:
    bounds = {number: _bounds(reader, address, number, answer_ms) for number in _partitions(reader, address, answer_ms)}
    ends = {number: end for number, (first, end) in bounds.items() if first < end}
    reader.assign([TopicPartition(address.topic, number, bounds[number][0]) for number in ends])
    while ends:
        message = reader.poll(answer_ms / 1000)
        if message is None:
            raise BackendDown(f"{address} sent nothing for {answer_ms} ms: is the broker up?")
        error, partition, offset = message.error(), message.partition() or 0, message.offset() or 0
        if error and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        if not error and offset < ends.get(partition, 0):
            yield Message(message.key() or b"", message.value() or b"")
        if error or offset >= ends.get(partition, 0) - 1:
            ends.pop(partition, None)


def _bounds(reader: Consumer, address: KafkaAddress, partition: int, answer_ms: int) -> tuple[int, int]:
    """The first existing offset, and the one after the last.

    A broker that has just come back may not know its own partitions yet: that is temporary.
    """
    until_ms = monotonic_ms() + answer_ms
    while True:
        try:
            place = TopicPartition(address.topic, partition)
            first, end = reader.get_watermark_offsets(place, timeout=answer_ms / 1000)
        except KafkaException as error:
            if error.args[0].code() not in _PASSING or monotonic_ms() >= until_ms:
                raise
            time.sleep(0.1)
        else:
            return first, end


def _partitions(reader: Consumer, address: KafkaAddress, answer_ms: int) -> list[int]:
    found = reader.list_topics(address.topic, timeout=answer_ms / 1000).topics[address.topic]
    if found.error:
        raise KafkaException(found.error)
    return sorted(found.partitions)


def _make_topic(address: KafkaAddress, partitions: int, replicas: int, answer_ms: int) -> None:
    configuration = {"message.timestamp.type": "LogAppendTime", _MOST_BYTES: str(MESSAGE_BYTES)}
    topic = NewTopic(address.topic, partitions, replicas, config=configuration)
    with _Administration(address) as admin:
        found = admin.list_topics(timeout=answer_ms / 1000).topics
        if address.topic in found:
            return
        try:
            admin.create_topics([topic], request_timeout=answer_ms / 1000)[address.topic].result(answer_ms / 1000 + 1)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was faster
                raise


def _largest_message(address: KafkaAddress, answer_ms: int) -> int:
    topic = ConfigResource(ResourceType.TOPIC, address.topic)
    with _Administration(address) as admin:
        try:
            told = admin.describe_configs([topic], request_timeout=answer_ms / 1000)[topic]
            return int(told.result(answer_ms / 1000 + 1)[_MOST_BYTES].value)
        except KafkaException as error:
            if error.args[0].code() not in _UNTOLD:
                raise
            return MESSAGE_BYTES


class _Administration:
    """An administrator's client for one block; its errors as ours."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._client = AdminClient({"bootstrap.servers": address.servers, **_QUIET})

    def __enter__(self) -> AdminClient:
        return self._client

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, KafkaException):
            raise BackendDown(f"{self._address}: {error.args[0].str()}: is the broker up?") from error
        if isinstance(error, TimeoutError):
            raise BackendDown(f"{self._address} doesn't answer: is the broker up?") from error
