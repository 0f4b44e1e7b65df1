"""The seam of image leases, `ImageLeases`: `recommender_hooks.backends` fills it."""

from __future__ import annotations

from typing import Protocol


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
