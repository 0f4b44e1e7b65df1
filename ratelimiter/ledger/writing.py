"""The ledger: every grant on record, so that politeness can be proved. Bounded on disk, cheap on the answer's path.

A grant is kept in memory until the event loop turns; then all of that turn are written by one `write`, behind the
answers that they belong to. So a kill -9 at any moment loses at most the grants of one turn of the loop (of `MAX_KEPT`
and one batch at the very most) and never leaves a grant on record that wasn't taken. What is on record survives the
process; a power cut may take what the kernel hadn't put on the disk yet (about 30 s).

A ledger that can't be written stops the granting: no grant is given that couldn't be proved.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from ratelimiter.ledger.lines import Anchor, Header, Row, anchor_line, header_line, line
from ratelimiter.ledger.segments import Segment, latest_number, segment_path, tidy
from thrift_idl.errors import BackendDown

MAX_KEPT: Final = 4_096
SEGMENT_BYTES: Final = 64 * 1024 * 1024
MAX_BYTES: Final = 1024 * 1024 * 1024
ANCHOR_EVERY_MS: Final = 60_000.0


class LedgerSink(Protocol):
    """Called on the hot path, between the recording of slots and their answer: a plain method."""

    def extend(self, rows: list[Row]) -> None:
        """Put grants on record. Raises `BackendDown` if that can't be: then they must not be given."""
        ...


class Ledger:
    """The ledger of one shard, in a directory that is its own. Used by one event loop."""

    def __init__(
        self,
        directory: Path,
        header: Header,
        number: int,
        now_ms: Callable[[], float],
        wall_ms: Callable[[], float],
        segment_bytes: int,
        max_bytes: int,
    ) -> None:
        self._directory = directory
        self._header = header
        self._number = number
        self._now_ms = now_ms
        self._wall_ms = wall_ms
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._kept: list[Row] = []
        self._loop = asyncio.get_running_loop()
        self._due = self._stuck = False
        self._anchor_at = header.anchor.monotonic_ms + ANCHOR_EVERY_MS
        self._tidying: asyncio.Future[None] | None = None
        self._segment = Segment(segment_path(directory, number), header_line(header))

    @classmethod
    async def open(
        cls,
        directory: Path,
        shard: str,
        boot: bytes,
        now_ms: Callable[[], float],
        wall_ms: Callable[[], float],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        max_bytes: int = MAX_BYTES,
    ) -> Ledger:
        """Begin a new file beside those of before. `now_ms` is the monotonic clock that `boot` names.

        Raises `DiskFull`, `BackendDown`.
        """
        number = 1 + await asyncio.to_thread(latest_number, directory)
        header = Header(shard, boot.hex(), os.getpid(), Anchor(now_ms(), wall_ms()))
        ledger = cls(directory, header, number, now_ms, wall_ms, segment_bytes, max_bytes)
        ledger._tidy()  # what a predecessor left
        return ledger

    def extend(self, rows: list[Row]) -> None:
        """Put grants on record, at the latest when the event loop turns. Raises `DiskFull`, `BackendDown`."""
        if self._stuck or len(self._kept) >= MAX_KEPT:
            self._write()
        self._kept += rows
        if not self._due:
            self._due = True
            self._loop.call_soon(self._turned)

    async def close(self) -> None:
        """Write what is kept. The file stays as it is: who opens the directory next compresses it."""
        try:
            self._write()
            self._segment.append(self._last_line())
        finally:
            if self._tidying is not None:
                await asyncio.wait([self._tidying])
            self._segment.close()

    def _turned(self) -> None:
        """The loop has turned. What can't be written now is kept; the next grant tries again, or fails as well."""
        self._due = False
        with contextlib.suppress(BackendDown):
            self._write()

    def _write(self) -> None:
        if not self._kept:
            return
        self._stuck = True
        self._segment.append(self._anchor() + line(self._kept))
        self._stuck = False
        self._kept.clear()
        if self._segment.size >= self._segment_bytes:
            self._rotate()

    def _anchor(self) -> bytes:
        now = self._now_ms()
        if now < self._anchor_at:
            return b""
        self._anchor_at = now + ANCHOR_EVERY_MS
        return anchor_line(Anchor(now, self._wall_ms()))

    def _last_line(self) -> bytes:
        return anchor_line(Anchor(self._now_ms(), self._wall_ms(), closed=True))

    def _rotate(self) -> None:
        """Go on in the next file. Where none can be made, this one takes more, and the next turn tries again."""
        anchor = Anchor(self._now_ms(), self._wall_ms())
        header = replace(self._header, anchor=anchor)
        try:
            segment = Segment(segment_path(self._directory, self._number + 1), header_line(header))
        except BackendDown:
            return
        with contextlib.suppress(BackendDown):
            self._segment.append(self._last_line())
        self._segment.close()
        self._segment, self._number, self._anchor_at = segment, self._number + 1, anchor.monotonic_ms + ANCHOR_EVERY_MS
        self._tidy()

    def _tidy(self) -> None:
        """In a thread: compress the files that are finished, remove the oldest beyond the bound."""
        if self._tidying is not None:
            return
        room = self._max_bytes - self._segment_bytes
        self._tidying = self._loop.run_in_executor(None, tidy, self._directory, self._number, room)
        self._tidying.add_done_callback(self._tidied)

    def _tidied(self, tidying: asyncio.Future[None]) -> None:
        """What failed (a full disk) is made up for after the next rotation."""
        if not tidying.cancelled():
            tidying.exception()
        self._tidying = None
