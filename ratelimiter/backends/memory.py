"""State in this process only. It ends with the process: for tests and for state that needn't outlive it."""

from __future__ import annotations

from ratelimiter.state import Keys, Times
from ratelimiter.table import PackedTable


class MemoryState:
    """A packed table. Used by one event loop: no call suspends, so that compare-and-set needs no lock."""

    def __init__(self, table: PackedTable | None = None) -> None:
        self._table = PackedTable() if table is None else table
        self.find = self._table.find
        self.put = self._table.put

    def commit(self) -> None:
        """Nothing to record."""

    async def get(self, keys: Keys) -> Times:
        """The keys' times."""
        return tuple(map(self._table.find, keys))

    async def compare_and_set(self, keys: Keys, expected: Times, wanted: Times) -> Times:
        """Set all or nothing; returns what it found."""
        found = tuple(map(self._table.find, keys))
        if found == expected:
            for key, time_ms in zip(keys, wanted, strict=True):
                self._table.put(key, time_ms)
        return found

    async def close(self) -> None:
        """Nothing to release."""
