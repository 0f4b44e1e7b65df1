"""A reader of events, each event once: for pipelines and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from drivers.disk_errors import disk_errors
from drivers.paths import path_of
from recommender_hooks.events.page_event import SCHEMA_VERSION
from thrift_idl.errors import StoreTooNew, StoreUnreadable


def read_events(url: str) -> Iterator[dict[str, Any]]:
    """The events that a `file:///` or `kafka://` sink holds now, the first of each id, in the order of the sink.

    Blocks: not for an event loop's thread. Keeps the ids in memory. Raises the sink's errors, `StoreUnreadable` for
    lines that are no events, `StoreTooNew` for events of a newer schema.
    """
    seen: set[str] = set()
    for value in _values(url):
        event = _decoded(value, url)
        if event["event_id"] not in seen:
            seen.add(event["event_id"])
            yield event


def _values(url: str) -> Iterable[bytes]:
    if not url.startswith("kafka:"):
        return _whole_lines(path_of(url, "file"))
    from drivers.kafka import messages  # noqa: PLC0415 - a heavy driver: only where a URL names it

    return (message.value for message in messages(url))


def _whole_lines(path: Path) -> Iterator[bytes]:
    """The lines that end in a newline, without it: the last one may be torn. None if there is no file."""
    with disk_errors(path):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]


def _decoded(value: bytes, url: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = orjson.loads(value)
        version = int(event["schema_version"])
        str(event["event_id"])
    except (ValueError, TypeError, KeyError) as error:
        raise StoreUnreadable(f"{url} holds what is no event ({error!r}): is it ours?") from None
    if version > SCHEMA_VERSION:
        raise StoreTooNew(f"{url} holds events of schema {version}, known {SCHEMA_VERSION}: upgrade Aragog")
    return event
