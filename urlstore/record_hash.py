"""The record hash: it changes if the page changed for a reader. Pure.

It covers the page's statements. It leaves out how they were read and everything that differs between requests: nonces
and tokens are in markup that extraction doesn't keep; extractor version, charset and flags are left out here. So are
fields derived from others: card, preferences by agent, main text.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson

from thrift_idl.gen.page.ttypes import Image, Link, PageRecord, Property, RobotsDirectives
from thrift_idl.records import pack

RECORD_HASH_VERSION = 1
"""Raised when the fields below change: every page then counts as changed once."""


def record_hash(record: PageRecord) -> bytes:
    """SHA-256 over the fields that count, each by its place: 32 bytes."""
    counted = (RECORD_HASH_VERSION, *_plain_fields(record), *_lists(record))
    return sha256(orjson.dumps(counted)).digest()


def _plain_fields(record: PageRecord) -> tuple[Any, ...]:
    return (
        record.title,
        record.text_hash.hex(),
        record.description,
        record.canonical,
        record.language,
        record.site_name,
        record.og_url,
    )


def _lists(record: PageRecord) -> tuple[Any, ...]:
    return (
        [_property(item) for item in record.opengraph],
        [_property(item) for item in record.twitter],
        record.json_ld,
        [_image(image) for image in record.images],
        [_link(link) for link in record.outlinks],
        [_directives(item) for item in record.robots],
        record.preferences,
        # Absent before the field existed: pages without it keep their hash.
        *((pack(record.typed).hex(),) if record.typed is not None else ()),
    )


def _property(item: Property) -> tuple[Any, ...]:
    return item.name, item.content


def _image(image: Image) -> tuple[Any, ...]:
    return image.url, image.found, image.alt, image.width, image.height


def _link(link: Link) -> tuple[Any, ...]:
    return link.url, link.rel, link.text, link.nofollow


def _directives(item: RobotsDirectives) -> tuple[Any, ...]:
    return item.agent, item.directives
