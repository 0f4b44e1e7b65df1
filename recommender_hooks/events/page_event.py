"""One event for each page version, as JSON. Schema: page_event.schema.json, its use: docs/signals.md. Pure.

The same stored page and images give the same bytes in every assembly, except for the `TIMING` fields.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from recommender_hooks.images.image_signals import SIGNALS_VERSION
from recommender_hooks.images.image_state import ImageState
from recommender_hooks.images.named_images import NamedImage
from thrift_idl.gen.urlstore.ttypes import Page
from weburl import KEY_VERSION, key_hex, url_key

SCHEMA_VERSION = 1
"""Raised when a field is removed or gets another meaning; fields may be added within a version."""

SCHEMA_FILE = Path(__file__).parent / "page_event.schema.json"

TIMING = ("changed_ms", "fetched_ms")
"""Fields, of the event and of each image, that differ between two runs over the same web."""

MAX_BYTES = 900_000
"""Bytes of an event: an unconfigured Kafka's limit for a message (its clients 1,000,000, its brokers 1,048,588)."""

_ID_BYTES = 16
_VERSIONS = struct.Struct("!qii")


@dataclass(frozen=True, slots=True)
class Event:
    """An event, encoded."""

    event_id: str
    url_key: str
    """Hex: the key of its partition."""
    value: bytes
    """JSON, keys sorted, without a newline."""


def event_id(key: bytes, page_version: int, extractor_version: int, schema_version: int = SCHEMA_VERSION) -> str:
    """The id of a page version's event: 32 hex digits of SHA-256 over the URL key and the versions, big endian."""
    packed = key + _VERSIONS.pack(page_version, extractor_version, schema_version)
    return sha256(packed).digest()[:_ID_BYTES].hex()


def id_of(page: Page) -> str:
    """The id of the event of a stored page."""
    return event_id(url_key(page.url), page.version, page.record.extractor_version)


def page_event(
    page: Page, images: Sequence[tuple[NamedImage, ImageState]], images_named: int, images_withheld: Sequence[str]
) -> Event:
    """The event of a page version. Images without signals are left out.

    So are those at the end that would make it longer than `MAX_BYTES`; then `cut` names the incomplete parts.
    """
    key, record = url_key(page.url), page.record
    identity = id_of(page)
    fields = {
        "schema_version": SCHEMA_VERSION,
        "event_id": identity,
        "url": page.url,
        "url_key": key_hex(key),
        "url_key_version": KEY_VERSION,
        "page_version": page.version,
        "content_hash": page.content_hash.hex(),
        "record_hash": page.record_hash.hex(),
        "extractor_version": record.extractor_version,
        "signals_version": SIGNALS_VERSION,
        "media_type": page.media_type,
        "title": record.title,
        "description": record.description,
        "language": record.language,
        "site_name": record.site_name,
        "canonical_claim": record.canonical,
        "images": [_image(named, state) for named, state in images if state.signals],
        "images_named": images_named,
        "images_withheld": list(images_withheld),
        "fetched_ms": page.fetched_ms,
        "changed_ms": page.changed_ms,
    }
    return Event(identity, key_hex(key), _bounded(fields))


def without_timing(event: Mapping[str, Any]) -> dict[str, Any]:
    """A decoded event without its timing fields, to compare two runs."""
    kept = {name: value for name, value in event.items() if name not in TIMING}
    images = [{name: value for name, value in image.items() if name not in TIMING} for image in event["images"]]
    return kept | {"images": images}


def _bounded(fields: dict[str, Any]) -> bytes:
    value = _dumped(fields)
    left = list(fields["images"])
    too_many = len(value) - MAX_BYTES
    if too_many > 0:
        too_many += len(_dumped({"cut": ["images"]}))
    while too_many > 0 and left:
        too_many -= len(_dumped(left.pop()))
    return value if len(left) == len(fields["images"]) else _dumped(fields | {"images": left, "cut": ["images"]})


def _dumped(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _image(named: NamedImage, state: ImageState) -> dict[str, Any]:
    signals = state.signals
    assert signals is not None
    return {
        "url": named.url,
        "url_key": key_hex(named.key),
        "served_by": state.url,
        "found": named.found,
        "alt": named.alt,
        "sha256": signals.sha256,
        "bytes": signals.bytes,
        "format": signals.format,
        "width": signals.width,
        "height": signals.height,
        "phash": signals.phash,
        "colour": signals.colour,
        "animated": signals.animated,
        "fetched_ms": state.fetched_ms,
    }
