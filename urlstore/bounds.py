"""Bounds of the store's input. Every check raises an error that names the field and the limit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from runtime.durations import DAY_MS
from thrift_idl.errors import ContentTooLarge, InvalidRequest
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.gen.urlstore.ttypes import Attribute, Outcome
from weburl import KEY_BYTES

MAX_CONTENT_BYTES = 12 * 1024 * 1024
"""Content and record together fit a frame of 16,384,000 bytes."""

MAX_HOPS = 32
MAX_AHEAD_MS = DAY_MS
"""A write time later than this from now is refused: it would shut out all writes until then."""

MAX_OUTCOME_BYTES = 65_536
MAX_ATTRIBUTES = 64
"""URLs in one request."""
MAX_ATTRIBUTE_BYTES = 1024 * 1024
MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Rows or attributes in one answer or request."""

MAX_SCAN_ROWS = 1_000
"""The same for inlinks, in one answer."""
MAX_LINK_URLS = 256
MAX_KEYS = 1_000
MAX_READ_ATTRIBUTES = 1_000

_NAMESPACE = re.compile(r"[a-z0-9_]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_FAMILIES = ("fetched", "refused", "deferred", "unavailable", "internal")
_MAX_INT32 = 2**31 - 1


def check_time(name: str, value_ms: int, now_ms: int, least_ms: int = 1) -> None:
    """Raise `InvalidRequest` unless a working clock could give the time."""
    if not least_ms <= value_ms <= now_ms + MAX_AHEAD_MS:
        latest_ms = now_ms + MAX_AHEAD_MS
        raise InvalidRequest(f"{name} is {value_ms}: not between {least_ms} and {latest_ms}; check the clocks")


def check_chain(chain: Sequence[Hop]) -> None:
    """Raise `InvalidRequest` beyond `MAX_HOPS` hops."""
    if len(chain) > MAX_HOPS:
        raise InvalidRequest(f"chain has {len(chain)} hops; the limit is {MAX_HOPS}")


def check_content(content: bytes) -> None:
    """Raise `ContentTooLarge` beyond `MAX_CONTENT_BYTES`."""
    if len(content) > MAX_CONTENT_BYTES:
        raise ContentTooLarge(f"the content has {len(content)} bytes; the limit is {MAX_CONTENT_BYTES}")


def check_outcome(outcome: Outcome) -> None:
    """Raise `InvalidRequest` for an unknown family, or a text that is too long."""
    if outcome.family not in _FAMILIES:
        raise InvalidRequest(f"outcome.family is {outcome.family[:40]!r}: not one of {', '.join(_FAMILIES)}")
    texts = (outcome.code, outcome.message, *outcome.details.keys(), *outcome.details.values())
    size = sum(len(text) for text in texts)
    if size > MAX_OUTCOME_BYTES:
        raise InvalidRequest(f"outcome has {size} characters of text; the limit is {MAX_OUTCOME_BYTES}")


_NONE_AHEAD: Mapping[tuple[str, str], int] = {}


def check_attributes(
    attributes: Sequence[Attribute], now_ms: int, ahead: Mapping[tuple[str, str], int] = _NONE_AHEAD
) -> None:
    """Raise `InvalidRequest` for too many, too large or misnamed attributes, or a write time that no clock gives.

    `ahead`: write times that are stored, by namespace and name; the next one after such a time is accepted.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidRequest(f"{len(attributes)} attributes in one request; the limit is {MAX_ATTRIBUTES}")
    total = sum(len(attribute.value) for attribute in attributes)
    if total > MAX_ANSWER_BYTES:
        raise InvalidRequest(f"attributes of {total} bytes in one request; the limit is {MAX_ANSWER_BYTES}")
    for attribute in attributes:
        _check_attribute(attribute, now_ms, ahead.get((attribute.attribute_namespace, attribute.name), 0))


def _check_attribute(attribute: Attribute, now_ms: int, stored_ms: int) -> None:
    check_namespace(attribute.attribute_namespace)
    if not _NAME.fullmatch(attribute.name):
        raise InvalidRequest(f"attribute name {attribute.name[:40]!r}: 1 to 128 of A-Z a-z 0-9 _ . : / -")
    if not 0 <= attribute.version <= _MAX_INT32:
        raise InvalidRequest(f"version of attribute {attribute.name} is {attribute.version}: not in 0 to {_MAX_INT32}")
    if len(attribute.value) > MAX_ATTRIBUTE_BYTES:
        size = len(attribute.value)
        raise InvalidRequest(f"attribute {attribute.name} has {size} bytes; the limit is {MAX_ATTRIBUTE_BYTES}")
    if not 1 <= attribute.write_ms <= stored_ms + 1:
        check_time(f"write_ms of attribute {attribute.name}", attribute.write_ms, now_ms)


def check_namespace(namespace: str) -> None:
    """Raise `InvalidRequest` for a namespace that no attribute can have."""
    if not _NAMESPACE.fullmatch(namespace):
        raise InvalidRequest(f"attribute_namespace {namespace[:40]!r}: 1 to 64 of a-z 0-9 _")


def check_urls(urls: Sequence[str]) -> None:
    """Raise `InvalidRequest` beyond `MAX_LINK_URLS`."""
    if len(urls) > MAX_LINK_URLS:
        raise InvalidRequest(f"{len(urls)} URLs in one request; the limit is {MAX_LINK_URLS}")


def check_keys(keys: Sequence[bytes]) -> None:
    """Raise `InvalidRequest` beyond `MAX_KEYS`, and for a value that is no URL key."""
    if len(keys) > MAX_KEYS:
        raise InvalidRequest(f"{len(keys)} keys in one request; the limit is {MAX_KEYS}")
    if any(len(key) != KEY_BYTES for key in keys):
        raise InvalidRequest(f"a URL key has {KEY_BYTES} bytes")


def check_due(continuation: bytes, limit: int) -> None:
    """Raise `InvalidRequest` for a limit out of range or a continuation that no answer of ours gave."""
    if not 1 <= limit <= MAX_SCAN_ROWS:
        raise InvalidRequest(f"limit is {limit}: not in 1 to {MAX_SCAN_ROWS}")
    if len(continuation) not in (0, 8 + KEY_BYTES):
        raise InvalidRequest(f"continuation has {len(continuation)} bytes: pass on the last answer's, or none")


def check_scan(continuation: bytes, limit: int) -> None:
    """Raise `InvalidRequest` for a limit out of range or a continuation that no answer of ours gave."""
    if not 1 <= limit <= MAX_SCAN_ROWS:
        raise InvalidRequest(f"limit is {limit}: not in 1 to {MAX_SCAN_ROWS}")
    if len(continuation) not in (0, KEY_BYTES):
        raise InvalidRequest(f"continuation has {len(continuation)} bytes: pass on the last answer's, or none")


_CONTENT_KEY = re.compile(r"[0-9a-f]{32}/[0-9a-f]{64}")  # the URL key and the hash of the content, both in hex


def check_content_key(content_key: str) -> str:
    """The key unchanged. Raises `InvalidRequest` if it is none: a key never leads out of a directory."""
    if not _CONTENT_KEY.fullmatch(content_key):
        raise InvalidRequest(f"{content_key[:120]!r} is no content key")
    return content_key
