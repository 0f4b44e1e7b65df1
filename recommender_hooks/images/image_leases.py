"""The leases of images, `ImageLeases`: the seam, and the implementation in memory. Redis: `backends.leases_redis`."""

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


class MemoryLeases:
    """Implements `ImageLeases`. A lease here ends when it is given back: its holder can't die alone."""

    def __init__(self) -> None:
        self._taken: set[bytes] = set()

    async def take(self, key: bytes, lease_ms: int) -> bool:
        """Take the image unless it is taken."""
        if key in self._taken:
            return False
        self._taken.add(key)
        return True

    async def give_back(self, key: bytes) -> None:
        """End the lease."""
        self._taken.discard(key)

    async def close(self) -> None:
        """Nothing to release."""
