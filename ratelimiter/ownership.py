"""The seam between reserving and the pool: whose domain is this, and since when?"""

from __future__ import annotations

from typing import Final, Protocol

from ratelimiter.rules import NEVER


class Ownership(Protocol):
    """This limiter's hold on its share of the domains."""

    @property
    def version(self) -> int:
        """Of the membership that every answer speaks of; 0 = no pool."""
        ...

    @property
    def gained_ms(self) -> float:
        """By then the owner of before has seen that what came to us is no longer its own."""
        ...

    def lasts(self, now: float) -> bool:
        """Whether it may be relied on at `now`; if not, `renew` first."""
        ...

    async def renew(self) -> None:
        """Make sure of it. Raises `BackendDown` while that can't be done: nothing may be granted."""
        ...

    def floor_ms(self, domain: str) -> float:
        """The domain's last slot, whoever granted it, is no later than this, or it is recorded here. Raises `NotOwner`.

        `NEVER` where all its grants are recorded here.
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
        """Nothing to make sure of."""

    def floor_ms(self, domain: str) -> float:
        """All grants are recorded here."""
        return NEVER


ALONE: Final = Alone()
