"""`extract` as bytes -> bytes, for a child process: it takes a `request` and returns a packed `PageRecord`."""

from __future__ import annotations

from typing import Any

from extraction.child_request import arguments
from extraction.limits import DEFAULT, ExtractionLimits
from extraction.page import extract
from thrift_idl.gen.page.ttypes import PageRecord, Typed
from thrift_idl.records import pack, replace

_LEAST = 1 / 8  # for few rounds if the last entries are the short ones
_LISTS = ("outlinks", "images", "json_ld", "opengraph", "twitter", "robots")


def run(asked: bytes) -> bytes:
    """Extract the page of a packed `request`."""
    content, fields = arguments(asked)
    return packed(extract(content, **fields))


def packed(record: PageRecord, limits: ExtractionLimits = DEFAULT) -> bytes:
    """A packed record that a store accepts: while it is too large its longest list is cut at its end.

    A page of 100 KB can have a record of 40 MB: each of its links repeats a long base URL.
    """
    answer = pack(record)
    while len(answer) > limits.record_bytes:
        sizes = {name: _size(record, name) for name in (*_LISTS, "card", "typed")}
        longest = max(sizes, key=sizes.__getitem__)
        found = getattr(record, longest)
        if not found:
            break
        excess = len(answer) - limits.record_bytes
        flags = dict.fromkeys((*record.flags, "record_too_large"))
        record = replace(record, flags=tuple(flags), **{longest: _shortened(found, excess / sizes[longest])})
        answer = pack(record)
    return answer


def _size(record: PageRecord, name: str) -> int:
    return len(pack(PageRecord(**{name: getattr(record, name)})))


def _shortened(found: Any, share: float) -> Any:
    """The record with its longest list shortened by `share`, an eighth at least and half at most; of its subject only
    that list, and no card.
    """
    if isinstance(found, tuple):
        return found[: int(len(found) * (1 - min(max(share, _LEAST), 0.5)))]
    bare = Typed(found.kind, found.confidence) if isinstance(found, Typed) else None
    return None if found == bare else bare
