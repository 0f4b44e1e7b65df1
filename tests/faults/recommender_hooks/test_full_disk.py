"""A disk that fills up in mid-publish."""

from __future__ import annotations

from pathlib import Path

import pytest

from recommender_hooks.backends.jsonl import JsonlSink
from recommender_hooks.events.event_reader import read_events
from tests.support.event_samples import event
from thrift_idl.errors import DiskFull


async def test_on_a_full_disk_nothing_is_half_stored_and_it_goes_on_when_there_is_room(small_disk: Path) -> None:
    url = f"file:///{small_disk}/events.jsonl"
    sink = await JsonlSink.open(url)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(2 * 1024 * 1024))
    acked = []
    with pytest.raises(DiskFull, match="make room"):
        for number in range(100):
            events = [event(f"http://a.test/{number}/{each}", title="x" * 40_000) for each in range(3)]
            await sink.publish(events)
            acked += [each.event_id for each in events]
    assert acked and [each["event_id"] for each in read_events(url)] == acked  # of the last three, none
    filler.unlink()
    await sink.publish(events)
    assert [each["event_id"] for each in read_events(url)] == [*acked, *(each.event_id for each in events)]
