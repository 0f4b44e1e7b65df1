"""Holds and blocks: the part of a domain's state that must outlive its limiter. The seam, and their recorded form.

The recorded end is a time of a clock that continues while the limiter is stopped (the machine's, or a Redis's). Such
clocks are sometimes set: a hold then lasts at most twice its duration, and at worst ends early by the jump.

`HoldSync` records each hold and block, and reads all of them before the first grant after a change of the owner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from ratelimiter.domain_state import DomainState, DomainStates
from ratelimiter.next_slot import NEVER
from ratelimiter.ownership import Ownership
from runtime.durations import DAY_MS, HOUR_MS
from runtime.single_flight import SingleFlight

KEPT_MS: Final = 25 * HOUR_MS
"""No hold and no block is longer than a day."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The rest of a domain's hold and block, ms; 0 = none."""

    held_ms: float = 0.0
    blocked_ms: float = 0.0
    unasked_hold_ms: float = 0.0
    """As in `DomainState`: the next hold without Retry-After is twice as long."""
    held_status: int = 0


class Holds(Protocol):
    """Storage of holds and blocks."""

    async def load(self) -> Mapping[str, Hold]:
        """All of them by domain, those lifted within the last day too. Raises `BackendDown`."""
        ...

    async def keep(self, domain: str, hold: Hold) -> None:
        """Record a domain's hold; returns when it is recorded. Raises `BackendDown`."""
        ...

    async def close(self) -> None:
        """Release files and connections."""
        ...


class VolatileHolds:
    """`Holds` that end with the process."""

    async def load(self) -> Mapping[str, Hold]:
        """None."""
        return {}

    async def keep(self, domain: str, hold: Hold) -> None:
        """Does nothing: only the process remembers."""

    async def close(self) -> None:
        """Nothing to release."""


VOLATILE: Final = VolatileHolds()


class Recorded(msgspec.Struct, frozen=True, array_like=True):
    """A hold on record: `at_ms` of the recording clock, and the rest at that time."""

    at_ms: float
    held_ms: float
    blocked_ms: float
    unasked_hold_ms: float
    held_status: int


def encode(hold: Hold, now: float) -> bytes:
    """The record of a hold at `now` of the recording clock."""
    record = Recorded(now, hold.held_ms, hold.blocked_ms, hold.unasked_hold_ms, hold.held_status)
    return msgspec.json.encode(record)


def decode(content: bytes, now: float) -> Hold | None:
    """The rest of a recorded hold at `now`; None if it no longer matters, or is no record."""
    try:
        record = msgspec.json.decode(content, type=Recorded)
    except msgspec.DecodeError:
        return None
    gone = max(now - record.at_ms, 0.0)
    if gone > KEPT_MS + record.held_ms:
        return None
    held, blocked = max(record.held_ms - gone, 0.0), max(record.blocked_ms - gone, 0.0)
    return Hold(held, blocked, record.unasked_hold_ms, record.held_status)


def hold_of(domain_state: DomainState, now: float) -> Hold:
    """The part of a domain's state to record."""
    held, blocked = max(domain_state.held_until - now, 0.0), max(domain_state.blocked_until - now, 0.0)
    return Hold(min(held, DAY_MS), min(blocked, DAY_MS), domain_state.unasked_hold_ms, domain_state.held_status)


def restore(domain_state: DomainState, hold: Hold, now: float) -> None:
    """Apply a recorded hold to a domain's state; its own hold stays if it has one: nothing lifts holds."""
    domain_state.held_until = max(domain_state.held_until, now + hold.held_ms if hold.held_ms else NEVER)
    domain_state.blocked_until = now + hold.blocked_ms if hold.blocked_ms else NEVER
    domain_state.unasked_hold_ms, domain_state.held_status = hold.unasked_hold_ms, hold.held_status


class HoldSync:
    """The domain states of one limiter and their record. Used by one event loop."""

    def __init__(
        self, domain_states: DomainStates, holds: Holds, ownership: Ownership, now_ms: Callable[[], float]
    ) -> None:
        self._domain_states = domain_states
        self._holds = holds
        self._ownership = ownership
        self._now_ms = now_ms
        self._read_for = -1
        self._readings: SingleFlight[None, None] = SingleFlight(lands_alone=True)

    def is_due(self, now: float) -> bool:
        """True if the record must be read before anything is granted.

        False until the previous owner has seen the change: until then it may write, and we grant nothing.
        """
        ownership = self._ownership
        return self._read_for != ownership.version and now >= ownership.gained_ms

    async def read(self) -> None:
        """Read the record; callers share one reading. Raises `BackendDown`."""
        await self._readings.join(None, self._read)

    async def keep(self, domain: str, domain_state: DomainState) -> None:
        """Record a hold or a block. Raises `BackendDown`; it is in force here in any case."""
        await self._holds.keep(domain, hold_of(domain_state, self._now_ms()))

    async def _read(self) -> None:
        version = self._ownership.version
        holds = await self._holds.load()
        now = self._now_ms()
        for domain, hold in holds.items():
            restore(self._domain_states.take(domain, now), hold, now)
        self._read_for = version
