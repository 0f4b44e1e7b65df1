"""The limiter's telemetry. `aragog` fills it with metrics and logs; the default does nothing."""

from __future__ import annotations

from typing import Protocol

from thrift_idl.gen.ratelimiter.ttypes import Grant


class LimiterTelemetry(Protocol):
    """Called on the hot path: plain methods that neither block nor raise."""

    def reserved(self, source: str, domain: str, grant: Grant) -> None:
        """A reservation was granted or refused."""

    def contended(self, domain: str) -> None:
        """Every compare-and-set of a reservation lost; it was refused."""

    def held(self, domain: str, status: int, hold_ms: float) -> None:
        """An answer's status holds a domain for `hold_ms`."""

    def limits_loaded(self, path: str, overrides: int) -> None:
        """A new override file is in force."""

    def limits_refused(self, path: str, reason: str) -> None:
        """The override file is bad; the last good one stays in force."""

    def membership_adopted(self, version: int, owned: int, slots: int) -> None:
        """This shard uses a new membership: `owned` of the ring's `slots` are its own."""

    def membership_refused(self, path: str, reason: str) -> None:
        """The membership file is bad or missing: the shard grants nothing until it is good again."""


class SilentLimiterTelemetry:
    """Telemetry that does nothing."""

    def reserved(self, source: str, domain: str, grant: Grant) -> None:
        """Do nothing."""

    def contended(self, domain: str) -> None:
        """Do nothing."""

    def held(self, domain: str, status: int, hold_ms: float) -> None:
        """Do nothing."""

    def limits_loaded(self, path: str, overrides: int) -> None:
        """Do nothing."""

    def limits_refused(self, path: str, reason: str) -> None:
        """Do nothing."""

    def membership_adopted(self, version: int, owned: int, slots: int) -> None:
        """Do nothing."""

    def membership_refused(self, path: str, reason: str) -> None:
        """Do nothing."""


SILENT: LimiterTelemetry = SilentLimiterTelemetry()
