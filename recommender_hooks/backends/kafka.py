"""Events in a Kafka topic, keyed by URL key: the events of one URL keep their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from drivers.kafka import ANSWER_MS, Message, TopicProducer, largest_message, make_topic, parse_address
from drivers.sqlite import Durability
from recommender_hooks.events.page_event import Event


class KafkaSink:
    """Implements `EventSink`. A broker's own configuration decides the durability of its acknowledgement."""

    def __init__(self, producer: TopicProducer) -> None:
        self._producer = producer

    @classmethod
    async def open(cls, url: str, *, durability: Durability = "normal", send_timeout_ms: int = ANSWER_MS) -> Self:
        """The topic that `url` (`kafka://host:port/topic`) names, created if missing.

        Raises `BadConfiguration`, `BackendDown`.
        """
        await make_topic(url, answer_ms=send_timeout_ms)
        most = await largest_message(url, answer_ms=send_timeout_ms)
        return cls(TopicProducer(parse_address(url), send_timeout_ms=send_timeout_ms, most_bytes=most))

    async def publish(self, events: Sequence[Event]) -> None:
        """Return once every in-sync replica has all of them. Raises `BackendDown` after the sink's time-out.

        Raises `EventTooLarge` if the topic doesn't take such an event.
        """
        await self._producer.send([Message(event.url_key.encode(), event.value) for event in events])

    async def close(self) -> None:
        """Wait for running sends, at most for the sink's time-out."""
        await self._producer.close()
