"""The contract of every sink of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from recommender_hooks.backends import EventSink
from recommender_hooks.backends.jsonl import JsonlSink
from recommender_hooks.events.event_reader import read_events
from recommender_hooks.events.page_event import Event
from tests.support.engines import KAFKA
from tests.support.event_samples import event
from thrift_idl.errors import BackendDown, BadConfiguration, StoreTooNew, StoreUnreadable

Open = Callable[[], Awaitable[EventSink]]


@pytest.fixture(params=["jsonl", "jsonl-full", KAFKA])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """URL and durability."""
    if request.param == "kafka":
        broker, topic = request.getfixturevalue("kafka_url"), request.getfixturevalue("kafka_topic")
        return f"{broker}/{topic}", "normal"
    return f"file:///{tmp_path}/events/of/today.jsonl", "full" if request.param == "jsonl-full" else "normal"


@pytest.fixture
async def open_sink(place: tuple[str, str]) -> AsyncIterator[Open]:
    opened: list[EventSink] = []

    async def open_one() -> EventSink:
        url, durability = place
        if url.startswith("kafka"):
            from recommender_hooks.backends.kafka import KafkaSink

            sink: EventSink = await KafkaSink.open(url, durability=durability)  # type: ignore[arg-type]
        else:
            sink = await JsonlSink.open(url, durability=durability)  # type: ignore[arg-type]
        opened.append(sink)
        return sink

    yield open_one
    for sink in opened:
        await sink.close()


async def stored(place: tuple[str, str]) -> list[dict[str, Any]]:
    return await asyncio.to_thread(lambda: list(read_events(place[0])))


def by_id(events: list[Event]) -> dict[str, bytes]:
    return {each.event_id: each.value for each in events}


def encoded(events: list[dict[str, Any]]) -> dict[str, bytes]:
    return {each["event_id"]: orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in events}


async def test_a_new_sink_is_empty_and_publishing_nothing_keeps_it_so(open_sink: Open, place: tuple[str, str]) -> None:
    sink = await open_sink()
    await sink.publish(())
    assert await stored(place) == []


async def test_what_was_published_comes_back_byte_for_byte(open_sink: Open, place: tuple[str, str]) -> None:
    sink, events = await open_sink(), [event(f"http://a.test/{n}", title=f"No {n}: ü\n\u2028") for n in range(20)]
    await sink.publish(events[:1])
    await sink.publish(events[1:])
    assert encoded(await stored(place)) == by_id(events)


async def test_a_repeated_event_is_read_once(open_sink: Open, place: tuple[str, str]) -> None:
    sink, events = await open_sink(), [event("http://a.test/1"), event("http://a.test/2")]
    for _ in range(3):
        await sink.publish(events)
    assert encoded(await stored(place)) == by_id(events)
    assert len(await stored(place)) == 2


async def test_the_events_of_one_url_keep_their_order(open_sink: Open, place: tuple[str, str]) -> None:
    sink = await open_sink()
    for version in range(1, 30):
        await sink.publish([event("http://a.test/", version), event(f"http://b.test/{version}")])
    versions = [each["page_version"] for each in await stored(place) if each["url"] == "http://a.test/"]
    assert versions == list(range(1, 30))


async def test_many_publish_at_once_through_two_sinks_and_nothing_is_lost_or_mixed(
    open_sink: Open, place: tuple[str, str]
) -> None:
    sinks = await open_sink(), await open_sink()
    events = [event(f"http://a.test/{n}", title="x" * (n * 37 % 5_000)) for n in range(200)]
    await asyncio.gather(*(sinks[n % 2].publish([each]) for n, each in enumerate(events)))
    assert encoded(await stored(place)) == by_id(events)


async def test_what_was_stored_stays_when_it_is_opened_again(open_sink: Open, place: tuple[str, str]) -> None:
    first, second = event("http://a.test/1"), event("http://a.test/2")
    await (await open_sink()).publish([first])
    await (await open_sink()).publish([second])
    assert encoded(await stored(place)) == by_id([first, second])


async def test_an_event_of_a_newer_schema_is_a_clear_error_and_so_is_rubbish(
    open_sink: Open, place: tuple[str, str]
) -> None:
    sink = await open_sink()
    newer = {"schema_version": 2, "event_id": "n"}
    await sink.publish([Event("n", "00" * 16, orjson.dumps(newer))])
    with pytest.raises(StoreTooNew, match="schema 2"):
        await stored(place)
    rubbish = await open_sink()
    await rubbish.publish([Event("r", "00" * 16, b"{}")] * 2)
    with pytest.raises((StoreTooNew, StoreUnreadable)):
        await stored(place)


@pytest.mark.parametrize("url", ["file://relative", "file:///", "events.jsonl", "file:///a\0b"])
async def test_what_is_no_file_url_is_bad_configuration(url: str) -> None:
    with pytest.raises(BadConfiguration, match="file:///"):
        await JsonlSink.open(url)


@pytest.mark.parametrize(
    "url",
    [
        "kafka://127.0.0.1/topic",
        "kafka://127.0.0.1:1",
        "kafka://127.0.0.1:1/a/b",
        "kafka://127.0.0.1:x/t",
        "kafka://user@127.0.0.1:1/t",
        "http://127.0.0.1:1/t",
        "kafka://127.0.0.1:1,:2/t",
        "kafka:///t",
    ],
)
async def test_what_is_no_kafka_url_is_bad_configuration(url: str) -> None:
    kafka = pytest.importorskip("recommender_hooks.backends.kafka")
    with pytest.raises(BadConfiguration, match="kafka://host:port/topic"):
        await kafka.KafkaSink.open(url)


async def test_where_no_broker_listens_opening_says_so() -> None:
    kafka = pytest.importorskip("recommender_hooks.backends.kafka")
    with pytest.raises(BackendDown, match="is the broker up"):
        await kafka.KafkaSink.open("kafka://127.0.0.1:9/events", send_timeout_ms=1_000)


async def test_a_topic_that_is_missing_is_made_and_stamps_messages_as_they_arrive(kafka_url: str) -> None:
    from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # there at run time

    from recommender_hooks.backends.kafka import KafkaSink

    name = "made-by-the-sink"
    admin = AdminClient({"bootstrap.servers": kafka_url.removeprefix("kafka://")})
    sinks = await asyncio.gather(*(KafkaSink.open(f"{kafka_url}/{name}") for _ in range(3)))
    try:
        await sinks[0].publish([event("http://a.test/")])
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        configuration = admin.describe_configs([resource])[resource].result(10)
        assert configuration["message.timestamp.type"].value == "LogAppendTime"
    finally:
        for sink in sinks:
            await sink.close()
        admin.delete_topics([name])[name].result(30)
