"""The seam of image leases, `ImageLeases`: `recommender_hooks.backends` fills it."""

from __future__ import annotations

from typing import Protocol


class ImageLeases(Protocol):
    """One visit at a time for each image, for all processes. Raises `BackendDown`.

    A lease of a process that died ends by itself.
    """

    async def take(self, key: bytes, lease_ms: int) -> bool:
        """True if the caller now has the image of this URL key for `lease_ms`; False = another has it."""
        ...

    async def give_back(self, key: bytes) -> None:
        """End the caller's own lease."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
