"""A broker that is killed, stopped, or loses its topic while events are published."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # there at run time

from deploy.engines import Engine
from recommender_hooks.events.event_reader import read_events
from recommender_hooks.events.page_event import MAX_BYTES, Event
from tests.support.event_samples import event
from thrift_idl.errors import BackendDown, EventTooLarge

kafka = pytest.importorskip("recommender_hooks.backends.kafka")

TIMEOUT_MS = 2_000


@pytest.fixture
async def sink(private_kafka: Engine) -> AsyncIterator[object]:
    opened = await kafka.KafkaSink.open(f"{private_kafka.url}/events", send_timeout_ms=TIMEOUT_MS)
    yield opened
    await opened.close()


async def publish_until_stored(sink: object, events: list[Event]) -> int:
    """As a worker does: again, until it is acknowledged. The number of times that it wasn't."""
    refused = 0
    while True:
        try:
            await sink.publish(events)  # type: ignore[attr-defined]
            return refused
        except BackendDown:
            refused += 1


def stored(engine: Engine) -> set[str]:
    return {each["event_id"] for each in read_events(f"{engine.url}/events")}


async def test_killed_in_mid_publish_it_is_down_and_the_same_sink_works_when_it_is_back(
    private_kafka: Engine, sink: object
) -> None:
    acked: set[str] = set()
    down = asyncio.Event()
    stop = asyncio.Event()

    async def publish_in_a_loop(name: str) -> None:
        number = 0
        while not stop.is_set():
            events = [event(f"http://{name}.test/{number}/{each}") for each in range(3)]
            try:
                await sink.publish(events)  # type: ignore[attr-defined]
                acked.update(each.event_id for each in events)
                number += 1
            except BackendDown:
                down.set()

    loops = [asyncio.create_task(publish_in_a_loop(f"p{n}")) for n in range(4)]
    while len(acked) < 100:
        await asyncio.sleep(0.01)
    private_kafka.kill()
    await down.wait()
    await asyncio.to_thread(private_kafka.start)
    before = len(acked)
    while len(acked) < before + 100:
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*loops)
    assert await asyncio.to_thread(stored, private_kafka) >= acked


async def test_paused_it_is_down_after_the_sinks_time_out_and_works_when_it_goes_on(
    private_kafka: Engine, sink: object
) -> None:
    first, second = event("http://a.test/1"), event("http://a.test/2")
    await sink.publish([first])  # type: ignore[attr-defined]
    private_kafka.pause()
    try:
        with pytest.raises(BackendDown, match="is the broker up"):
            await sink.publish([second])  # type: ignore[attr-defined]
    finally:
        private_kafka.resume()
    await publish_until_stored(sink, [second])
    assert await asyncio.to_thread(stored, private_kafka) == {first.event_id, second.event_id}


async def test_a_topic_that_was_removed_is_down_until_it_is_made_again(private_kafka: Engine, sink: object) -> None:
    from confluent_kafka.admin import AdminClient

    await sink.publish([event(f"http://a.test/{n}") for n in range(20)])  # type: ignore[attr-defined]
    admin = AdminClient({"bootstrap.servers": private_kafka.url.removeprefix("kafka://")})
    admin.delete_topics(["events"])["events"].result(30)
    with pytest.raises(BackendDown):
        for number in range(50):
            await sink.publish([event(f"http://b.test/{number}")])  # type: ignore[attr-defined]
    await (await kafka.KafkaSink.open(f"{private_kafka.url}/events")).close()
    last = event("http://c.test/")
    await publish_until_stored(sink, [last])
    assert last.event_id in await asyncio.to_thread(stored, private_kafka)


def large(url: str, size: int) -> Event:
    """An event of about `size` bytes that no compression makes small."""
    return event(url, title=random.Random(size).randbytes(size // 2).hex())


@pytest.mark.parametrize("most", [0, 50_000])
async def test_an_event_that_the_topic_does_not_take_is_its_own_error_and_the_others_are_stored(
    private_kafka: Engine, most: int
) -> None:
    """`most`: what the topic was made to take; 0 = as we make it."""
    url = f"{private_kafka.url}/events-of-{most}"
    if most:
        admin = AdminClient({"bootstrap.servers": private_kafka.url.removeprefix("kafka://")})
        topic = NewTopic(f"events-of-{most}", 1, 1, config={"max.message.bytes": str(most)})
        await asyncio.to_thread(admin.create_topics([topic])[topic.topic].result)
    sink = await kafka.KafkaSink.open(url, send_timeout_ms=TIMEOUT_MS)
    try:
        small = [event(f"http://a.test/{n}", title="x" * 2_000) for n in range(100)]
        largest = large("http://a.test/largest", (most or MAX_BYTES) - 3_000)
        too_large = large("http://a.test/too-large", (most or 1_048_588) + 1_000)
        told = await asyncio.gather(
            *(sink.publish([each]) for each in (*small, too_large, largest)), return_exceptions=True
        )
        assert [type(each) for each in told if each] == [EventTooLarge]
        assert {each["event_id"] for each in read_events(url)} == {each.event_id for each in (*small, largest)}
    finally:
        await sink.close()
