"""The lease: the slots that a shard may grant, and the time from which it may. Pure; ms of its monotonic clock.

A shard that gains a slot knows nothing of its domains: their previous owner may grant until it has seen the change,
at most `skew_ms` later, and its grants may lie `MAX_WAIT_MS` ahead. So the new owner treats every domain of the slot
as one whose last grant is at that latest moment. It does the same if it can't know whether another shard was the owner
meanwhile: after its own start, or after it missed versions of the membership.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ratelimiter.next_slot import MAX_WAIT_MS, NEVER

NOT_OURS: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Lease:
    """One shard's share under one membership."""

    version: int
    skew_ms: float
    looked_ms: float
    """The start of the reading of the membership on which this rests."""
    gained_ms: float
    """By then the previous owner has seen the change that brought us new slots."""
    floors: array[float]
    """By slot: no earlier grant is later than this; `NOT_OURS` if another shard is the owner."""

    def lasts(self, now: float) -> bool:
        """True if it allows grants: the membership was read no longer than `skew_ms` ago."""
        return now - self.looked_ms <= self.skew_ms


NOTHING: Final = Lease(0, 0.0, NEVER, NEVER, array("d"))


def next_lease(
    before: Lease, version: int, skew_ms: float, owned: Sequence[bool], looked_ms: float, now: float
) -> Lease:
    """The tenure after the membership `version` was adopted at `now`; `owned` has True for every slot of ours.

    The longer skew of both memberships counts: the previous owner may use the old one.
    """
    nobody_else_since = bool(before.floors) and before.version + 1 == version
    gained_ms = now + max(skew_ms, before.skew_ms)
    floors = array("d", [NOT_OURS]) * len(owned)
    for slot, ours in enumerate(owned):
        if ours:
            known = nobody_else_since and before.floors[slot] != NOT_OURS
            floors[slot] = before.floors[slot] if known else gained_ms + MAX_WAIT_MS
    return Lease(version, skew_ms, looked_ms, gained_ms, floors)
