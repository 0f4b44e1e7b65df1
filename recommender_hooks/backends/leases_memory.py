"""Leases within one process: enough if one process publishes."""

from __future__ import annotations


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
