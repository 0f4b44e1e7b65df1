"""`extract` as bytes -> bytes: what a child process runs. It is asked a `request`, it answers a packed `PageRecord`."""

from __future__ import annotations

from typing import Any

from extraction.limits import DEFAULT, Limits
from extraction.page import extract
from extraction.request import arguments
from thrift_idl.gen.page.ttypes import PageRecord, Typed
from thrift_idl.records import pack, replace

_LISTS = ("outlinks", "images", "json_ld", "opengraph", "twitter", "robots")


def run(asked: bytes) -> bytes:
    """Extract what `request` packed."""
    content, fields = arguments(asked)
    return packed(extract(content, **fields))


def packed(record: PageRecord, limits: Limits = DEFAULT) -> bytes:
    """A record that a store takes: while it is too large its longest list is halved, and what comes first is kept.

    A page of 100 KB can have one of 40 MB: a long base URL stands in each of its links.
    """
    answer = pack(record)
    while len(answer) > limits.record_bytes:
        longest = max((*_LISTS, "card", "typed"), key=lambda name: _size(record, name))
        found = getattr(record, longest)
        if not found:
            break
        flags = dict.fromkeys((*record.flags, "record_too_large"))
        record = replace(record, flags=tuple(flags), **{longest: _shortened(found)})
        answer = pack(record)
    return answer


def _size(record: PageRecord, name: str) -> int:
    return len(pack(PageRecord(**{name: getattr(record, name)})))


def _shortened(found: Any) -> Any:
    """Half of a list; of what the page is about that alone; no card."""
    if isinstance(found, tuple):
        return found[: len(found) // 2]
    bare = Typed(found.kind, found.confidence) if isinstance(found, Typed) else None
    return None if found == bare else bare
