"""The seam of event sinks, `EventSink`. The backends of `recommender_hooks.images.image_leases` lie here, too."""

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
        """Finish running work and release connections."""
        ...
