"""The seam between reserving and the pool: does this shard own the domain, and since when?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from ratelimiter.next_slot import NEVER


class Ownership(Protocol):
    """This limiter's hold on its share of the domains."""

    @property
    def version(self) -> int:
        """Version of the membership that every answer carries; 0 = no pool."""
        ...

    @property
    def gained_ms(self) -> float:
        """By then the previous owner has seen that our new slots are no longer its own."""
        ...

    def lasts(self, now: float) -> bool:
        """True if it may be relied on at `now`; if not, `renew` first."""
        ...

    async def renew(self) -> None:
        """Confirm it. Raises `BackendDown` while that is impossible: nothing may be granted."""
        ...

    def floor_ms(self, domain: str) -> float:
        """The domain's last slot by any shard is no later than this, or it is recorded here. Raises `NotOwner`.

        `NEVER` if all its grants are recorded here.
        """
        ...


class Alone:
    """`Ownership` of a limiter without a pool: everything is its own."""

    version: int = 0
    gained_ms: float = NEVER

    def lasts(self, now: float) -> bool:
        """Always."""
        return True

    async def renew(self) -> None:
        """Nothing to confirm."""

    def floor_ms(self, domain: str) -> float:
        """All grants are recorded here."""
        return NEVER


ALONE: Final = Alone()

LOOK_EVERY_MS: Final = 100.0
"""No grant relies on a lock that was checked longer ago. A process that takes over a place that may have a living owner
waits that long, and as long as a grant may lie ahead."""


class LockedAlone(Alone):
    """`Alone`, as long as the locks of this process's places hold: `check` raises `LockLost` if one doesn't."""

    def __init__(self, check: Callable[[], None], now_ms: Callable[[], float]) -> None:
        self._check = check
        self._now_ms = now_ms
        self._looked_ms = NEVER

    def lasts(self, now: float) -> bool:
        """True if the locks were checked a moment ago."""
        return now - self._looked_ms <= LOOK_EVERY_MS

    async def renew(self) -> None:
        """Check the locks. Raises `LockLost`."""
        looked_ms = self._now_ms()
        self._check()
        self._looked_ms = looked_ms
