"""The fetcher's telemetry: one frozen record for each request, and rare events by name.

A telemetry may not block and may not raise; it is called on the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """One request on the wire, robots.txt included."""

    source: str
    url: str
    purpose: str
    """page or robots."""
    status: int
    """0 = no answer."""
    code: str
    """Code of the error that ended it; "" = answered."""
    waited_ms: float
    latency_ms: float
    wire_bytes: int
    reused: bool
    """Sent on a kept connection."""


class FetcherTelemetry(Protocol):
    """Filled by the assembly."""

    def request_ended(self, details: RequestEnded) -> None:
        """One request ended."""

    def fetch_ended(self, source: str, code: str, elapsed_ms: float) -> None:
        """One `fetch` call ended; code "" = a result."""

    def grant_voided(self, domain: str) -> None:
        """A grant came too late to be used and was replaced."""

    def robots_exceeded(self, origin: str, flag: str) -> None:
        """A robots.txt asks for more than we do for one, by `flag` of fetcher/robots/rules.py; a URL is denied."""

    def robots_cache_failed(self, code: str) -> None:
        """The shared cache couldn't be read or written."""

    def feedback_failed(self, code: str) -> None:
        """The rate limiter couldn't be told the end of a request."""


class SilentFetcherTelemetry:
    """Telemetry that does nothing."""

    def request_ended(self, details: RequestEnded) -> None:
        """Nothing."""

    def fetch_ended(self, source: str, code: str, elapsed_ms: float) -> None:
        """Nothing."""

    def grant_voided(self, domain: str) -> None:
        """Nothing."""

    def robots_exceeded(self, origin: str, flag: str) -> None:
        """Nothing."""

    def robots_cache_failed(self, code: str) -> None:
        """Nothing."""

    def feedback_failed(self, code: str) -> None:
        """Nothing."""
