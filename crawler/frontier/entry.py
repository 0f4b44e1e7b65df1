"""One entry of a frontier, and its packed form of eleven bytes: 10 M URLs are one crawl. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from struct import Struct

OWNER_BYTES = 8
UNOWNED = bytes(OWNER_BYTES)
"""The owner of an entry that was reopened for a retry whose job isn't known yet."""
MAX_DEPTH = 0xFFFF

_FETCHED = 0x10
_PACKED = Struct(">BH8s")  # scripts/book.lua reads and writes the same


class EntryState(IntEnum):
    """WAITING and CLAIMED are open, the others done. Stored: never renumber."""

    WAITING = 0
    CLAIMED = 1
    """A visit that holds a place in the page budget is running, or died."""
    PAGE = 2
    ALIAS = 3
    REFUSED = 4
    FAILED = 5
    SKIPPED = 6


@dataclass(frozen=True, slots=True)
class FrontierEntry:
    """A frontier's data of one URL."""

    state: EntryState
    fetched: bool
    """True if this crawl has its page, so that the stored links are used if the entry is reopened."""
    depth: int
    owner: bytes
    """`owner_of` its job."""

    @property
    def open(self) -> bool:
        """True if the crawl waits for it."""
        return self.state <= EntryState.CLAIMED


def owner_of(descriptor: str) -> bytes:
    """The part of a job descriptor in an entry: eight bytes of its SHA-256. Descriptors are ours, not an attacker's."""
    return sha256(descriptor.encode()).digest()[:OWNER_BYTES]


def pack(entry: FrontierEntry) -> bytes:
    """The entry in eleven bytes."""
    return _PACKED.pack(entry.state | (_FETCHED if entry.fetched else 0), min(entry.depth, MAX_DEPTH), entry.owner)


def unpack(packed: bytes) -> FrontierEntry:
    """The entry that `pack` packed."""
    flags, depth, owner = _PACKED.unpack(packed)
    return FrontierEntry(EntryState(flags & 0x0F), bool(flags & _FETCHED), depth, owner)
