"""Decisions by a candidate override file, and how they differ from the live ones. Pure: time is an argument."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from ratelimiter.domain_state import DomainStates
from ratelimiter.overrides import Overrides
from ratelimiter.pace import DomainPace
from ratelimiter.table import PackedTable
from thrift_idl.gen.ratelimiter.ttypes import Reservation

AT_ONCE, DELAYED, REFUSED = "at_once", "delayed", "refused"
_MOST_DOMAINS: Final = 10_000


@dataclass(slots=True)
class ShadowTally:
    """Counts of decisions, live and by the candidate."""

    live: Counter[str] = field(default_factory=Counter)
    candidate: Counter[str] = field(default_factory=Counter)
    slower: Counter[str] = field(default_factory=Counter)
    """Reservations that would have got a later slot or none, by domain; bounded, the rarest are dropped."""
    faster: Counter[str] = field(default_factory=Counter)

    def add(self, domain: str, live_ms: float | None, candidate_ms: float | None) -> None:
        """One reservation: the wait that each would give it; None = refused."""
        self.live[outcome(live_ms)] += 1
        self.candidate[outcome(candidate_ms)] += 1
        live, candidate = _or_never(live_ms), _or_never(candidate_ms)
        if abs(candidate - live) > 1 or (candidate == float("inf")) != (live == float("inf")):
            changed = self.slower if candidate > live else self.faster
            changed[domain] += 1
            if len(changed) > _MOST_DOMAINS:
                kept = changed.most_common(_MOST_DOMAINS // 2)
                changed.clear()
                changed.update(dict(kept))


def outcome(wait_ms: float | None) -> str:
    """The result of a reservation, one of three."""
    if wait_ms is None:
        return REFUSED
    return DELAYED if wait_ms > 0 else AT_ONCE


def _or_never(wait_ms: float | None) -> float:
    return float("inf") if wait_ms is None else wait_ms


class ShadowLimiter:
    """Decides by limits of its own over slots of its own, in memory."""

    def __init__(self, domain_states: DomainStates, max_crawl_delay_ms: float) -> None:
        self._slots = PackedTable()
        self._domain_states = domain_states
        self._cap = max_crawl_delay_ms

    def decide(self, wish: Reservation, limits: Overrides, now: float) -> float | None:
        """The wait of the wish for its slot, which is taken; None = it is refused."""
        pace = DomainPace.of(wish, limits, self._cap)
        slot = pace.slot_ms(now, tuple(map(self._slots.find, pace.keys)), self._domain_states)
        if slot - now > pace.max_wait_ms:
            return None
        for key in pace.keys:
            self._slots.put(key, slot)
        return slot - now
