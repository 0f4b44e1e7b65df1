"""The JSON records that both backends store: a crawl's description, its hosts, a failed URL. Each has a version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import orjson

from crawler.frontier import KEY_BYTES, EntryState, VisitEnding
from crawler.frontier.crawls import MAX_HOSTS, Counters, Crawl, Failure
from thrift_idl.errors import InvalidRequest, NotFound, StoreTooNew, StoreUnreadable

T = TypeVar("T")

VERSION = 1
SLICE = 500
"""Offers processed at once: a Redis script then delays all other calls for some 2 ms."""

_MAX_MESSAGE = 500
_MAX_URL = 8192


def pack_crawl(crawl: Crawl) -> bytes:
    """The description of a crawl."""
    return orjson.dumps({"v": VERSION, **asdict(crawl)})


def unpack_crawl(packed: bytes) -> Crawl:
    """The crawl that `pack_crawl` packed. Raises `StoreTooNew`, `StoreUnreadable`."""
    fields = _versioned(packed)
    try:
        return Crawl(**fields)
    except TypeError as error:
        raise StoreUnreadable(f"a crawl of the frontier can't be read: {error}") from error


def pack_hosts(hosts: Sequence[str]) -> bytes:
    """The seeds' hosts. Raises `InvalidRequest` if they are too many."""
    if len(hosts) > MAX_HOSTS:
        raise InvalidRequest(f"seeds on {len(hosts)} hosts: above {MAX_HOSTS}, use the scope `any` or several crawls")
    return orjson.dumps(list(hosts))


def unpack_hosts(packed: bytes) -> frozenset[str]:
    """The hosts that `pack_hosts` packed."""
    return frozenset(orjson.loads(packed))


def pack_failure(ending: VisitEnding) -> bytes:
    """A failed URL, bounded."""
    url, message = ending.url[:_MAX_URL], ending.message[:_MAX_MESSAGE]
    text = {"v": VERSION, "url": url, "code": ending.code, "message": message, "tries": ending.tries}
    try:
        return orjson.dumps(text)
    except TypeError:  # a lone surrogate in a server's message
        printable = {name: ascii(value) if isinstance(value, str) else value for name, value in text.items()}
        return orjson.dumps(printable)


def unpack_failure(key: bytes, packed: bytes) -> Failure:
    """The failed URL that `pack_failure` packed. Raises `StoreTooNew`."""
    return Failure(key=key, **_versioned(packed))


def check_keys(keys: Sequence[bytes]) -> None:
    """Raises `InvalidRequest` for a value that is no URL key."""
    if any(len(key) != KEY_BYTES for key in keys):
        raise InvalidRequest(f"a URL key has {KEY_BYTES} bytes")


def counters(counts: Iterable[int], pages: int) -> Counters:
    """`counts` of entries, in the order of `EntryState`, as counters."""
    by_state = {state.name.lower(): count for state, count in zip(EntryState, counts, strict=True)}
    return Counters(**by_state, pages=pages)


def slices(items: Sequence[T]) -> list[Sequence[T]]:
    """`items` in parts of at most `SLICE`."""
    return [items[start : start + SLICE] for start in range(0, len(items), SLICE)]


def found(value: T | None, crawl_id: str) -> T:
    """`value`. Raises `NotFound` if it is None."""
    if value is None:
        raise NotFound(f"no crawl {crawl_id[:60]!r}: `aragog crawl ls` lists them")
    return value


def _versioned(packed: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = orjson.loads(packed)
    version = fields.pop("v")
    if version > VERSION:
        raise StoreTooNew(f"the frontier has records of version {version}, this Aragog knows {VERSION}: upgrade it")
    return fields
