"""The seam of the limiter's state: one timestamp a key, moved by compare-and-set."""

from __future__ import annotations

from hashlib import blake2b
from typing import Protocol, runtime_checkable

Keys = tuple[int, ...]
Times = tuple[float, ...]


class StateBackend(Protocol):
    """Last slots by key, in milliseconds of the service's monotonic clock; `NEVER` for a key that had none.

    Several keys of one call (a domain's and its host's) belong to one shard and move together or not at all.
    A backend may forget a key only by answering with a later time than it had: forgetting delays requests.
    """

    async def get(self, keys: Keys) -> Times:
        """The keys' times. Raises `BackendDown`."""
        ...

    async def compare_and_set(self, keys: Keys, expected: Times, wanted: Times) -> Times:
        """Set `wanted` if the keys' times are `expected`; returns the times found, so `expected` means that it is set.

        The new times are recorded before the answer. Raises `BackendDown`, and then nothing may be granted on it.
        """
        ...

    async def close(self) -> None:
        """Release files and connections."""
        ...


@runtime_checkable
class LocalState(Protocol):
    """A backend in this process, of one event loop: a time stays until it is put, because no call suspends."""

    def find(self, key: int) -> float:
        """The key's time."""
        ...

    def put(self, key: int, time_ms: float) -> None:
        """Set the key's time. It counts once `commit` has returned."""
        ...

    def commit(self) -> None:
        """Record the new times. Raises `DiskFull`, `BackendDown`, and then nothing may be granted on it."""
        ...


def state_key(name: str) -> int:
    """A domain's key: 8 bytes of its hash, never 0. Two domains that collide share one limit, which delays requests."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little") or 1
