"""The store's telemetry. The assembly fills it (metrics, logs); the default does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One answered call."""

    method: str
    source: str
    took_ms: float
    error: str = ""
    """Code of the error that it raised; "" = none."""


@dataclass(frozen=True, slots=True)
class PagePut:
    """One stored page."""

    source: str
    content_changed: bool
    record_changed: bool
    content_bytes: int
    stored_bytes: int
    """Bytes written to the content backend, compressed; 0 = nothing."""


class StoreTelemetry(Protocol):
    """Hooks, called in the event loop: they must not block or raise."""

    def called(self, call: MethodCall) -> None:
        """A call was answered."""
        ...

    def page_put(self, put: PagePut) -> None:
        """A page was stored."""
        ...


class SilentStoreTelemetry:
    """Telemetry that does nothing."""

    def called(self, call: MethodCall) -> None:
        """Do nothing."""

    def page_put(self, put: PagePut) -> None:
        """Do nothing."""
