"""The mark of a page's last publication: an attribute of its URL (namespace `signals`, name `published`).

The worker asks `is_published` before it enqueues a page for publishing, the service before it publishes: a page with
an unchanged record makes no event, even if its version number has changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import orjson

from recommender_hooks.events.page_event import SCHEMA_VERSION, id_of
from recommender_hooks.stored_attributes import stored_attributes
from thrift_idl.errors import StoreTooNew
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Attribute, GetAttributesRequest, Page, PutAttributesRequest

NAMESPACE, NAME, MARK_VERSION = "signals", "published", 1


@dataclass(frozen=True, slots=True)
class Mark:
    """The page version that was handled last."""

    page_version: int
    record_hash: str
    extractor_version: int
    schema_version: int
    event_id: str
    """"" = the page asks not to be published: there is no event."""


def mark_of(page: Page, *, has_event: bool) -> Mark:
    """The mark of a page that was published, or is not to be."""
    identity = id_of(page) if has_event else ""
    return Mark(page.version, page.record_hash.hex(), page.record.extractor_version, SCHEMA_VERSION, identity)


def is_published(page: Page, mark: Mark | None) -> bool:
    """True if nothing is left to publish of this page."""
    return mark is not None and (mark.record_hash, mark.extractor_version, mark.schema_version) == (
        page.record_hash.hex(),
        page.record.extractor_version,
        SCHEMA_VERSION,
    )


class PublishMarks:
    """The marks of a store's pages. Fills `thrift_idl.publishing.PublishedPages`."""

    def __init__(self, store: UrlStore) -> None:
        self._store = store

    async def is_published(self, page: Page, context: Context) -> bool:
        """True if nothing is left to publish of this page: one point read. Raises `StoreTooNew`."""
        return is_published(page, await read_mark(self._store, page.url, context))


async def read_mark(store: UrlStore, url: str, context: Context) -> Mark | None:
    """The mark of a URL; None = nothing was published yet. Raises `StoreTooNew`."""
    return (await read_stored(store, url, context))[0]


async def read_stored(store: UrlStore, url: str, context: Context) -> tuple[Mark | None, int]:
    """The mark, and its write time; 0 = never, or it is damaged. Raises `StoreTooNew`."""
    for attribute in await stored_attributes(store, GetAttributesRequest(context, url, NAMESPACE)):
        if attribute.name == NAME:
            return _decode(attribute), attribute.write_ms
    return None, 0


async def put_mark(store: UrlStore, url: str, mark: Mark, write_ms: int, context: Context) -> None:
    """Mark a URL. A mark with a later write time stays."""
    value = orjson.dumps(mark, option=orjson.OPT_SORT_KEYS)
    attribute = Attribute(NAMESPACE, NAME, MARK_VERSION, value, write_ms)
    await store.put_attributes(PutAttributesRequest(context, url, (attribute,)))


def _decode(attribute: Attribute) -> Mark | None:
    if attribute.version > MARK_VERSION:
        raise StoreTooNew(f"marks of version {attribute.version} are written by a newer Aragog: upgrade this one")
    try:
        return msgspec.json.decode(attribute.value, type=Mark)
    except msgspec.DecodeError:
        return None
