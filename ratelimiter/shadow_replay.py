"""The grants on record replayed with another override file. Pure, bounded memory.

Each grant stands for one caller, at the time of its request. Refused callers aren't on record: for a candidate that
is faster than the limits in force this shows too little; the live counters of shadow mode see them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ratelimiter.domain_state import DomainStates
from ratelimiter.ledger.lines import BY_CRAWL_DELAY
from ratelimiter.ledger.reading import Granted
from ratelimiter.overrides import Overrides
from ratelimiter.shadow_decisions import ShadowLimiter, ShadowTally
from thrift_idl.gen.ratelimiter.ttypes import Reservation

_INSTANT_MS: Final = 0.001
"""Slots are given as sums of floats: less than this is their rounding error around "at once"."""


def replay(grants: Iterable[Granted], overrides: Overrides) -> ShadowTally:
    """The results of the grants under other limits, with the same robots.txt."""
    tally = ShadowTally()
    candidate = ShadowLimiter(DomainStates(), float("inf"))
    for granted in grants:
        entry = granted.entry
        delay = int(entry.interval_ms) if entry.limit.endswith(BY_CRAWL_DELAY) else None
        waited = entry.wait_ms if entry.wait_ms > _INSTANT_MS else 0.0
        decided = candidate.decide(Reservation(entry.domain, entry.host, delay), overrides, granted.asked_ms)
        tally.add(entry.domain, waited, 0.0 if decided is not None and decided <= _INSTANT_MS else decided)
    return tally
