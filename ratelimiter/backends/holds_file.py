"""Holds and blocks in a file of the limiter's own: a line for each change, the last one of a domain counts.

A lock beside the file allows one process. Lines survive kill -9 of the process. An unreadable line is skipped:
the domain keeps its state from before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from drivers.owner_lock import OwnerLock
from ratelimiter.backends.journal import failure
from ratelimiter.holds import Hold, decode, encode


class FileHolds:
    """`Holds` in one file, by the machine's wall clock. Used by one event loop."""

    def __init__(self, path: Path, wall_ms: Callable[[], float], lock: OwnerLock) -> None:
        self.lock = lock
        self._path = path
        self._wall_ms = wall_ms
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path, wall_ms: Callable[[], float]) -> FileHolds:
        """The holds in `path`. Raises `FolderLocked`, `DiskFull`, `BackendDown`."""
        return cls(path, wall_ms, await asyncio.to_thread(OwnerLock.take, path.with_suffix(".lock")))

    async def load(self) -> Mapping[str, Hold]:
        """All of them; the file is written again, one line for each. Raises `DiskFull`, `BackendDown`."""
        async with self._lock:
            return await asyncio.to_thread(self._load)

    async def keep(self, domain: str, hold: Hold) -> None:
        """Append a domain's hold. Raises `DiskFull`, `BackendDown`."""
        line = _line(domain, hold, self._wall_ms())
        async with self._lock:
            await asyncio.to_thread(self._append, line)

    async def close(self) -> None:
        """Release the lock."""
        self.lock.release()

    def _load(self) -> dict[str, Hold]:
        now = self._wall_ms()
        try:
            lines = self._path.read_bytes().splitlines() if self._path.exists() else []
            holds = {}
            for line in lines:
                domain, _, content = line.partition(b" ")
                hold = decode(content, now)
                if hold is not None:
                    holds[domain.decode("ascii", "replace")] = hold
            beside = self._path.with_suffix(".part")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(b"".join(_line(domain, hold, now) for domain, hold in holds.items()))
            beside.replace(self._path)
        except OSError as error:
            raise failure(error, self._path) from error
        return holds

    def _append(self, line: bytes) -> None:
        try:
            with self._path.open("ab", buffering=0) as file:
                if file.write(line) < len(line):
                    file.write(b"\n")  # so that the next line is separate
        except OSError as error:
            raise failure(error, self._path) from error


def _line(domain: str, hold: Hold, now: float) -> bytes:
    return domain.encode("ascii", "replace") + b" " + encode(hold, now) + b"\n"
