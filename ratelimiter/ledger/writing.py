"""The ledger: every grant on record before it is answered, so that politeness can be proved. Bounded on disk.

A kill -9 loses nothing. Grants are written, a whole batch by one `write`, after their slots were taken and
before their answer leaves: every grant that a caller has is on record; every recorded slot was taken, though its answer
may never have left. The record survives the process; a power cut may take what the kernel hadn't put on the disk yet
(about 30 s of it, `vm.dirty_expire_centisecs`). The write goes to the page cache, like that of the state's log: it
waits for no disk. A thread compresses and removes files.

If the ledger can't be written, granting stops: no grant is given without its proof.

A lock in the directory allows one process. If it isn't certain that the previous one has ended, its file is left
unchanged, and the first line of ours says so: its later writes stay on record, and `verify` reports the doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from drivers.owner_lock import OWNER_LOCK, OwnerLock
from ratelimiter.ledger.lines import Anchor, LedgerHeader, Row, anchor_line, header_line, line
from ratelimiter.ledger.segments import Segment, latest_number, segment_path, tidy
from thrift_idl.errors import BackendDown

SEGMENT_BYTES: Final = 64 * 1024 * 1024
MAX_BYTES: Final = 1024 * 1024 * 1024
ANCHOR_EVERY_MS: Final = 60_000.0


class LedgerSink(Protocol):
    """Called on the hot path, between the recording of slots and their answer: a plain method."""

    def extend(self, rows: list[Row]) -> None:
        """Put grants on record. Raises `BackendDown` if that is impossible: then they must not be given."""
        ...


class Ledger:
    """The ledger of one shard, in a directory that is its own. Used by one event loop."""

    def __init__(
        self,
        directory: Path,
        lock: OwnerLock,
        header: LedgerHeader,
        number: int,
        now_ms: Callable[[], float],
        wall_ms: Callable[[], float],
        segment_bytes: int,
        max_bytes: int,
    ) -> None:
        self.lock = lock
        self._directory = directory
        self._header = replace(header, is_alone=True)
        self._number = number
        self._left_alone = 0 if header.is_alone else number
        """Files older than this aren't compressed: their writer may live."""
        self._now_ms = now_ms
        self._wall_ms = wall_ms
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
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
        """Begin a new file beside the earlier ones. `now_ms` is the monotonic clock that `boot` names.

        Raises `FolderLocked`, `DiskFull`, `BackendDown`.
        """
        lock = await asyncio.to_thread(OwnerLock.take, directory / OWNER_LOCK)
        try:
            latest = await asyncio.to_thread(latest_number, directory)
            header = LedgerHeader(
                shard, boot.hex(), os.getpid(), Anchor(now_ms(), wall_ms()), lock.is_known or not latest
            )
            ledger = cls(directory, lock, header, latest + 1, now_ms, wall_ms, segment_bytes, max_bytes)
        except BaseException:
            lock.release()
            raise
        ledger._tidy()  # files that a predecessor left
        return ledger

    def extend(self, rows: list[Row]) -> None:
        """Put grants on record. Raises `DiskFull`, `BackendDown`: then none of them is."""
        self._segment.append(self._anchor() + line(rows))
        if self._segment.size >= self._segment_bytes:
            self._rotate()

    async def close(self) -> None:
        """Release the file, which stays as it is: the next process that opens the directory compresses it."""
        try:
            self._segment.append(self._last_line())
        finally:
            if self._tidying is not None:
                await asyncio.wait([self._tidying])
            self._segment.close()
            self.lock.release()

    def _anchor(self) -> bytes:
        now = self._now_ms()
        if now < self._anchor_at:
            return b""
        self._anchor_at = now + ANCHOR_EVERY_MS
        return anchor_line(Anchor(now, self._wall_ms()))

    def _last_line(self) -> bytes:
        return anchor_line(Anchor(self._now_ms(), self._wall_ms(), closed=True))

    def _rotate(self) -> None:
        """Continue in the next file. If none can be made, this one takes more, and the next grant tries again."""
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
        """In a thread: compress the finished files, remove the oldest beyond the bound."""
        if self._tidying is not None:
            return
        room = self._max_bytes - self._segment_bytes
        self._tidying = self._loop.run_in_executor(None, tidy, self._directory, self._left_alone, self._number, room)
        self._tidying.add_done_callback(self._tidied)

    def _tidied(self, tidying: asyncio.Future[None]) -> None:
        """A failure (a full disk) is corrected after the next rotation."""
        if not tidying.cancelled():
            tidying.exception()
        self._tidying = None
