"""Sinks of events, and leases on images that are being fetched: two small seams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from recommender_hooks.events.page_event import Event


class EventSink(Protocol):
    """Keeps events, at least once each: a repeated one has the same `event_id`. Raises `BackendDown` and its kinds."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Return once all of them are stored; after an error some may be. Raises `EventTooLarge`."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of connections."""
        ...


class ImageLeases(Protocol):
    """One visit at a time for each image, whoever else sees it on a page. Raises `BackendDown`.

    A lease of a process that died ends by itself.
    """

    async def take(self, key: bytes, lease_ms: int) -> bool:
        """Whether the image of this URL key is the caller's for `lease_ms`; False = another has it."""
        ...

    async def give_back(self, key: bytes) -> None:
        """End the caller's own lease."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
