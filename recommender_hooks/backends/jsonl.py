"""Events as lines of a file that several processes may append to, and that may be moved away at any time.

A lock on the file makes each append one whole write. A line is an event if it ends in a newline: the incomplete last
line of a killed process is cut off by the next one that opens or appends, and readers don't count it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from drivers.disk_errors import disk_errors
from drivers.paths import path_of
from drivers.sqlite import Durability
from recommender_hooks.events.page_event import Event
from runtime.batching import LONGEST_REST_MS, Batching, in_thread
from runtime.clock import monotonic_ms
from thrift_idl.errors import BackendDown

_LOCK_WAIT_MS = 10_000
_LOCK_POLL_S = 0.005
_TAIL = 65_536  # bytes read at a time in search of the last newline
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class JsonlSink:
    """Implements `EventSink` over one file."""

    def __init__(self, path: Path, durability: Durability) -> None:
        self._path = path
        self._durability = durability
        self._appends = Batching(in_thread(self._append_all), longest_rest_ms=LONGEST_REST_MS)

    @classmethod
    async def open(cls, url: str, *, durability: Durability = "normal") -> Self:
        """The file that `url` (`file:///full/path`) names, created if needed, its end repaired.

        Raises `BadConfiguration`, `StoreUnreadable`, `DiskFull`.
        """
        sink = cls(path_of(url, "file"), durability)
        await asyncio.to_thread(sink._prepare)
        return sink

    async def publish(self, events: Sequence[Event]) -> None:
        """Append them; with durability `full` they reach the disk first. Raises `DiskFull`, `BackendDown`."""
        if events:
            await self._appends(b"".join(event.value + b"\n" for event in events))

    async def close(self) -> None:
        """Nothing to release: the file is open only while it is written."""

    def _prepare(self) -> None:
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked() as file:
                _mend(file)

    def _append_all(self, lines: Sequence[bytes]) -> Sequence[None]:
        self._append(b"".join(lines))
        return [None] * len(lines)

    def _append(self, lines: bytes) -> None:
        with disk_errors(self._path), self._locked() as file:
            end = _mend(file)
            try:
                _write(file, lines)
                if self._durability == "full":
                    self._sync(file, is_new=not end)
            except OSError:
                os.ftruncate(file, end)  # frees the bytes on a full disk, and leaves readers no torn line
                raise

    def _sync(self, file: int, is_new: bool) -> None:
        os.fsync(file)
        if is_new:
            with _opened(self._path.parent, os.O_RDONLY | os.O_DIRECTORY) as directory:
                os.fsync(directory)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The present file at the path: another one may be put there at any time."""
        with _opened(self._path, _FLAGS) as file:
            deadline_ms = monotonic_ms() + _LOCK_WAIT_MS
            while not _lock(file):
                if monotonic_ms() > deadline_ms:
                    raise BackendDown(f"another process holds the lock of {self._path}: is it stopped?")
                time.sleep(_LOCK_POLL_S)
            yield file


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    file = os.open(path, flags, 0o644)
    try:
        yield file
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _mend(file: int) -> int:
    """Cut off the bytes after the last newline; returns the remaining length."""
    end = size = os.fstat(file).st_size
    while end:
        start = max(0, end - _TAIL)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)
    return end


def _write(file: int, octets: bytes) -> None:
    left = memoryview(octets)
    while left:  # one write, unless the disk becomes full during it
        left = left[os.write(file, left) :]
