"""The owner of a domain: a consistent hash, looked up in a table of slots that is made once for each membership.

A slot's place on the ring never changes, so that one shard more or less among N moves about 1/(N+1) of the slots.
"""

from __future__ import annotations

from functools import cache
from typing import Final
from zlib import crc32

from uhashring import HashRing

RING_SLOTS: Final = 16_384
_MASK: Final = RING_SLOTS - 1


def ring_slot(domain: str) -> int:
    """The domain's slot. A name that isn't ASCII is no domain; it gets a slot in any case, and is refused there."""
    return crc32(domain.encode("utf-8", "surrogatepass")) & _MASK


@cache
def _names_of_slots() -> tuple[str, ...]:
    return tuple(f"slot {slot}" for slot in range(RING_SLOTS))


def owners(names: tuple[str, ...]) -> tuple[int, ...]:
    """The number of each slot's owner in `names`; about 50 ms."""
    ring = HashRing(nodes=list(names))
    places = {name: place for place, name in enumerate(names)}
    return tuple(places[ring.get_node(slot)] for slot in _names_of_slots())
