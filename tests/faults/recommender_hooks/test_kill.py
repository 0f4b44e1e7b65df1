"""Publishers killed in mid-publish."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recommender_hooks.backends.jsonl import JsonlSink
from recommender_hooks.events.event_reader import read_events
from tests.support.event_samples import event

LIVES = 40 if os.environ.get("ARAGOG_TORTURE") else 8


def _start(url: str, ledger: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.recommender_hooks.publisher", url, str(ledger), name]
    return subprocess.Popen(command)


def _live_and_die(url: str, ledger: Path, names: tuple[str, ...], rng: random.Random) -> None:
    """Publishers at once, each killed at a random moment after the first acknowledgement of any."""
    size = ledger.stat().st_size if ledger.exists() else 0
    processes = [_start(url, ledger, name) for name in names]
    try:
        deadline = time.monotonic() + 30
        while not ledger.exists() or ledger.stat().st_size == size:
            assert all(process.poll() is None for process in processes) and time.monotonic() < deadline
            time.sleep(0.005)
        for process in processes:
            time.sleep(rng.uniform(0, 0.05))
            process.kill()
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _acked(ledger: Path) -> set[str]:
    return {line for line in ledger.read_text().split("\n")[:-1] if len(line) == 32}


def test_killed_in_mid_publish_two_writers_of_a_file_lose_nothing_acked_and_leave_no_torn_line(tmp_path: Path) -> None:
    rng, ledger, url = random.Random(4), tmp_path / "ledger", f"file:///{tmp_path}/events.jsonl"
    for life in range(LIVES):
        _live_and_die(url, ledger, (f"a{life}", f"b{life}"), rng)
        assert {each["event_id"] for each in read_events(url)} >= _acked(ledger)  # and each line is one event
    assert len(_acked(ledger)) > LIVES * 2


def test_killed_in_mid_publish_a_writer_to_kafka_loses_nothing_acked(
    tmp_path: Path, kafka_url: str, kafka_topic: str
) -> None:
    rng, ledger, url = random.Random(5), tmp_path / "ledger", f"{kafka_url}/{kafka_topic}"
    for life in range(LIVES // 2):
        _live_and_die(url, ledger, (f"a{life}",), rng)
    assert {each["event_id"] for each in read_events(url)} >= _acked(ledger)
    assert len(_acked(ledger)) > LIVES // 2


@pytest.mark.parametrize("torn", [b"{", b'{"event_id":"' + b"x" * 200_000, b"\x00" * 10])
async def test_a_torn_last_line_is_no_event_and_is_cut_off_by_the_next_writer(tmp_path: Path, torn: bytes) -> None:
    path, events = tmp_path / "events.jsonl", [event(f"http://a.test/{n}") for n in range(3)]
    url = f"file:///{path}"
    sink = await JsonlSink.open(url)
    await sink.publish(events[:1])
    for step in (1, 2):
        with path.open("ab") as file:
            file.write(torn)
        assert len(list(read_events(url))) == step
        if step == 1:
            await sink.publish(events[1:2])  # one that is open mends it, too
        else:
            await JsonlSink.open(url)
    assert path.read_bytes() == b"".join(each.value + b"\n" for each in events[:2])


async def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path, events = tmp_path / "events.jsonl", [event(f"http://a.test/{n}") for n in range(2)]
    sink = await JsonlSink.open(f"file:///{path}", durability="full")
    await sink.publish(events[:1])
    path.rename(tmp_path / "yesterday.jsonl")
    await sink.publish(events[1:])
    for name, each in (("yesterday", events[0]), ("events", events[1])):
        assert (tmp_path / f"{name}.jsonl").read_bytes() == each.value + b"\n"


async def test_publishing_doesnt_block_the_event_loop(tmp_path: Path) -> None:
    """Another process holds the file's lock: the loop goes on, and the event is stored once the lock is free."""
    import fcntl

    sink = await JsonlSink.open(f"file:///{tmp_path}/events.jsonl")
    with (tmp_path / "events.jsonl").open("ab") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        publishing = asyncio.create_task(sink.publish([event("http://a.test/")]))
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert not publishing.done()
    await publishing
    assert len(list(read_events(f"file:///{tmp_path}/events.jsonl"))) == 1
