"""The interval until a page is visited again: learned from changes of its record between visits. Pure."""

from __future__ import annotations

from runtime.durations import DAY_MS
from thrift_idl.gen.urlstore.ttypes import Page

NEW_MS = DAY_MS
"""The interval of a page that was seen once."""
LEAST_MS = 60_000
MOST_MS = 400 * DAY_MS


def revisit_ms(current: Page | None, *, changed: bool, began_ms: int) -> int:
    """The interval after a visit that began at `began_ms`: halved if the record changed, doubled if not.

    A visit before half of the interval had passed proves nothing if it found no change: so a repeated fetch, or one
    by a person, doubles nothing.
    """
    known_ms = (current.revisit_ms if current else 0) or NEW_MS
    if current is None:
        return known_ms
    if changed:
        return max(LEAST_MS, known_ms // 2)
    waited_ms = began_ms - current.last_seen_ms
    return min(MOST_MS, 2 * known_ms) if waited_ms >= known_ms // 2 else known_ms
