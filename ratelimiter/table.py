"""Times by 8-byte key, packed: 256 small open-addressing tables of two arrays, 24 to 48 bytes an entry.

The tables are small so that the rebuild of one never takes long. A rebuild forgets idle entries, and the oldest ones
beyond the bound. Forgotten entries raise the *floor*, the answer for every absent key: a domain that the table doesn't
know had its last slot no later than the floor, so that forgetting can delay but never burst. Pure: it knows no clock.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

from ratelimiter.next_slot import HORIZON_MS, NEVER

PARTS: Final = 256
MAX_ENTRIES: Final = 4_000_000
_SMALLEST: Final = 8


class Part:
    """One open-addressing table with linear probing; key 0 marks a free place. At most two thirds are taken."""

    __slots__ = ("_max", "floor", "keys", "times", "used")

    def __init__(self, max_entries: int, floor: float = NEVER) -> None:
        self._max = max_entries
        self.floor = floor
        self._clear(_SMALLEST)

    def _clear(self, places: int) -> None:
        self.keys = array("Q", bytes(8 * places))
        self.times = array("d", bytes(8 * places))
        self.used = 0

    def place(self, key: int) -> int:
        """The place of the key, present or not."""
        keys = self.keys
        mask = len(keys) - 1
        at = (key >> 8) & mask  # the lowest byte chose the part
        while keys[at] != key and keys[at]:
            at = (at + 1) & mask
        return at

    def put(self, key: int, time_ms: float) -> None:
        """Set the key's time; a new key may rebuild the part, with `time_ms` as the present."""
        at = self.place(key)
        self.times[at] = time_ms
        if self.keys[at]:
            return
        self.keys[at] = key
        self.used += 1
        if 3 * self.used > 2 * len(self.keys):
            self._rebuild(time_ms)

    def entries(self) -> Iterator[tuple[int, float]]:
        """Every key and its time."""
        return ((key, time_ms) for key, time_ms in zip(self.keys, self.times, strict=True) if key)

    def _rebuild(self, now_ms: float) -> None:
        newest_first = sorted(self.entries(), key=lambda entry: -entry[1])
        kept = [entry for entry in newest_first if entry[1] > now_ms - HORIZON_MS]
        if len(kept) > self._max:
            kept = kept[: max(self._max // 2, 1)]
        if len(kept) < len(newest_first):
            self.floor = max(self.floor, newest_first[len(kept)][1])
        places = _SMALLEST
        while places < 2 * len(kept):
            places *= 2
        self._clear(places)
        for key, time_ms in kept:
            at = self.place(key)
            self.keys[at], self.times[at] = key, time_ms
        self.used = len(kept)


class PackedTable:
    """The whole table. Keys are evenly spread 64-bit numbers, not 0 (`state.state_key`)."""

    def __init__(self, max_entries: int = MAX_ENTRIES, floor: float = NEVER) -> None:
        """`floor`: no key had a slot later than this."""
        self.parts = [Part(max(max_entries // PARTS, 1), floor) for _ in range(PARTS)]

    def __len__(self) -> int:
        return sum(part.used for part in self.parts)

    def latest(self) -> float:
        """The latest time that any key, known or forgotten, may have."""
        floors, times = (part.floor for part in self.parts), (max(part.times) for part in self.parts)
        return max(*floors, *times)

    def raise_floor(self, floor: float) -> None:
        """Every absent key may have had a slot as late as `floor`."""
        for part in self.parts:
            part.floor = max(part.floor, floor)

    def find(self, key: int) -> float:
        """The key's time, else the floor of the forgotten ones (`NEVER` if there are none)."""
        part = self.parts[key & 255]  # like `Part.place`, without the call: this is the hot path
        keys = part.keys
        mask = len(keys) - 1
        at = (key >> 8) & mask
        while (there := keys[at]) != key:
            if not there:
                return part.floor
            at = (at + 1) & mask
        return part.times[at]

    def put(self, key: int, time_ms: float) -> None:
        """Set the key's time."""
        part = self.parts[key & 255]
        keys = part.keys
        at = (key >> 8) & (len(keys) - 1)
        if keys[at] == key:
            part.times[at] = time_ms
        else:
            part.put(key, time_ms)
