"""Telemetry of publishing. The assembly fills it (metrics, logs); the default does nothing."""

from __future__ import annotations

from typing import Protocol


class PublishTelemetry(Protocol):
    """Hooks, called in the event loop: they must not block or raise."""

    def image_visited(self, source: str, family: str, code: str) -> None:
        """An image was fetched, or tried to be."""
        ...

    def page_ended(self, source: str, ending: str, images: int) -> None:
        """A page was published with this many images, skipped (its reason is the ending), or has to wait."""
        ...


class SilentPublishTelemetry:
    """Telemetry that does nothing."""

    def image_visited(self, source: str, family: str, code: str) -> None:
        """Do nothing."""

    def page_ended(self, source: str, ending: str, images: int) -> None:
        """Do nothing."""
