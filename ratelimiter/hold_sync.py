"""Synchronisation of holds and blocks: each is recorded, and all are read before the first grant after a change."""

from __future__ import annotations

from collections.abc import Callable

from ratelimiter.domain_state import DomainState, DomainStates
from ratelimiter.holds import Holds, hold_of, restore
from ratelimiter.ownership import Ownership
from runtime.single_flight import SingleFlight


class Keeping:
    """The domain states of one limiter and their record. Used by one event loop."""

    def __init__(
        self, standings: DomainStates, holds: Holds, ownership: Ownership, now_ms: Callable[[], float]
    ) -> None:
        self._standings = standings
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

    async def keep(self, domain: str, standing: DomainState) -> None:
        """Record a hold or a block. Raises `BackendDown`; it is in force here in any case."""
        await self._holds.keep(domain, hold_of(standing, self._now_ms()))

    async def _read(self) -> None:
        version = self._ownership.version
        holds = await self._holds.load()
        now = self._now_ms()
        for domain, hold in holds.items():
            restore(self._standings.take(domain, now), hold, now)
        self._read_for = version
