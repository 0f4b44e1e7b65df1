"""Ledgers made by hand: what was granted when, told as the reader tells it, or written as a limiter writes it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ratelimiter.ledger.lines import Anchor, LedgerEntry, LedgerHeader, anchor_line, header_line, line
from ratelimiter.ledger.reading import Granted

WALL_MS = 1_790_000_000_000.0


def granted(
    slot_ms: float,
    domain: str = "a.com",
    interval_ms: float = 100.0,
    *,
    host: str = "",
    host_interval_ms: float = 0.0,
    wait_ms: float = 0.0,
    limit: str = "default",
    shard: str = "one",
    boot: str = "b1",
) -> Granted:
    """A grant whose times are those of the wall clock, from `WALL_MS`."""
    entry = LedgerEntry(domain, host or domain, slot_ms, wait_ms, interval_ms, host_interval_ms, limit, 1)
    return Granted(WALL_MS + slot_ms - wait_ms, WALL_MS + slot_ms, WALL_MS + slot_ms, entry, shard, boot)


def write_file(
    path: Path,
    entries: Iterable[LedgerEntry],
    *,
    shard: str = "one",
    boot: str = "b1",
    monotonic_ms: float = 0.0,
    wall_ms: float = WALL_MS,
    closed: bool = True,
    alone: bool = False,
) -> Path:
    """A ledger file with one line an entry, its anchor as given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    anchor = Anchor(monotonic_ms, wall_ms)
    text = header_line(LedgerHeader(shard, boot, 7, anchor, alone)) + b"".join(
        line([tuple(entry)]) for entry in entries
    )
    path.write_bytes(text + (anchor_line(Anchor(monotonic_ms, wall_ms, closed=True)) if closed else b""))
    return path


def entry(slot_ms: float, domain: str = "a.com", wait_ms: float = 0.0, interval_ms: float = 100.0) -> LedgerEntry:
    """The record of a grant."""
    return LedgerEntry(domain, domain, slot_ms, wait_ms, interval_ms, 0.0, "default", 1)
