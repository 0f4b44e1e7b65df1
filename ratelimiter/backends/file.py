"""State in this process, recorded in a directory before it is answered: it survives kill -9 and restart.

A lock in the directory allows one process. Recovery is conservative: any doubt about the files, or about the end of the
process that had the lock before, starts every domain behind the latest slot that could have been granted.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from drivers.owner_lock import OWNER_LOCK, OwnerLock
from ratelimiter.backends.journal import (
    DamagedState,
    Log,
    OtherBoot,
    failure,
    read_log,
    read_snapshot,
    record,
    snapshot,
    write_snapshot,
)
from ratelimiter.next_slot import MAX_WAIT_MS
from ratelimiter.ownership import LOOK_EVERY_MS
from ratelimiter.state import Keys, Times
from ratelimiter.table import MAX_ENTRIES, PackedTable
from thrift_idl.errors import BackendDown

_ROTATE_BYTES: Final = 4 * 1024 * 1024
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> bytes:
    """The name of the monotonic clock that this machine's processes share; random, so never seen again, if unknown."""
    try:
        return uuid.UUID(_BOOT.read_text(encoding="ascii").strip()).bytes
    except (OSError, ValueError):
        return uuid.uuid4().bytes


class FileState:
    """A packed table with its journal. Used by one event loop; only `open` and `close` suspend."""

    def __init__(
        self, directory: Path, lock: OwnerLock, boot: bytes, number: int, table: PackedTable, rotate_bytes: int
    ) -> None:
        self.lock = lock
        self._directory = directory
        self._boot = boot
        self._number = number
        self._table = table
        self._rotate_bytes = self._rotate_at = rotate_bytes
        self._log = Log(_path(directory, number, "log"), boot)
        self._rotation: asyncio.Future[None] | None = None
        self._unrecorded: list[bytes] = []
        self.find = table.find

    @classmethod
    async def open(
        cls,
        directory: Path,
        now_ms: Callable[[], float],
        *,
        boot: bytes | None = None,
        max_entries: int = MAX_ENTRIES,
        rotate_bytes: int = _ROTATE_BYTES,
    ) -> FileState:
        """Recover the directory's state, compacted. `now_ms` is the machine's monotonic clock, as `boot` names it.

        Raises `FolderLocked`, `StoreTooNew`, `DiskFull`, `BackendDown`.
        """
        boot = boot_id() if boot is None else boot
        lock = await asyncio.to_thread(OwnerLock.take, directory / OWNER_LOCK)
        try:
            return await asyncio.to_thread(cls._open, directory, lock, now_ms, boot, max_entries, rotate_bytes)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open(
        cls,
        directory: Path,
        lock: OwnerLock,
        now_ms: Callable[[], float],
        boot: bytes,
        max_entries: int,
        rotate_bytes: int,
    ) -> FileState:
        try:
            files = _files(directory)
            now = now_ms()
            table = _recover(files, now, boot, max_entries)
            if files and not lock.is_known:
                table = PackedTable(max_entries, floor=now + LOOK_EVERY_MS + MAX_WAIT_MS)
            number = 1 + max((int(path.stem) for path in files), default=0)
            write_snapshot(_path(directory, number, "snapshot"), snapshot(table.parts, boot))
            state = cls(directory, lock, boot, number, table, rotate_bytes)
            _remove(files)
        except OSError as error:
            raise failure(error, directory) from error
        return state

    async def get(self, keys: Keys) -> Times:
        """The keys' times."""
        return tuple(map(self._table.find, keys))

    async def compare_and_set(self, keys: Keys, expected: Times, wanted: Times) -> Times:
        """Set and record, all or nothing; returns what it found. Raises `DiskFull`, `BackendDown`."""
        found = tuple(map(self._table.find, keys))
        if found == expected:
            for key, time_ms in zip(keys, wanted, strict=True):
                self.put(key, time_ms)
            self.commit()
        return found

    def put(self, key: int, time_ms: float) -> None:
        """Set the key's time; `commit` records it."""
        self._unrecorded.append(record(key, time_ms))
        self._table.put(key, time_ms)

    def commit(self) -> None:
        """Append the new times to the log. If that fails the times stay: a slot that isn't granted delays at most."""
        if not self._unrecorded:
            return
        records = b"".join(self._unrecorded)
        self._unrecorded.clear()
        self._log.append(records)
        if self._log.size > self._rotate_at and self._rotation is None:
            self._rotate()

    async def close(self) -> None:
        """Wait for a running rotation and close the log. The files are as good as after a crash."""
        if self._rotation is not None:
            await asyncio.wait([self._rotation])
        self._log.close()
        self.lock.release()

    def _rotate(self) -> None:
        """Begin the next log, and in a thread the snapshot that replaces all files before it."""
        old = _files(self._directory)
        try:
            log = Log(_path(self._directory, self._number + 1, "log"), self._boot)
        except BackendDown:
            self._rotate_at = self._log.size + self._rotate_bytes  # this log still takes records: try again later
            return
        self._log.close()
        self._log, self._number = log, self._number + 1
        pieces = snapshot(self._table.parts, self._boot)
        self._rotate_at = max(self._rotate_bytes, 2 * sum(map(len, pieces)))
        path = _path(self._directory, self._number, "snapshot")
        self._rotation = asyncio.get_running_loop().run_in_executor(None, _replace, path, pieces, old)
        self._rotation.add_done_callback(self._rotated)

    def _rotated(self, rotation: asyncio.Future[None]) -> None:
        """A failed snapshot leaves the old files in force; the next rotation replaces them."""
        rotation.exception()
        self._rotation = None


def _recover(files: list[Path], now: float, boot: bytes, max_entries: int) -> PackedTable:
    """The table that the files describe.

    - No files, or files of another boot: every earlier grant is over. Domains start one interval from now.
    - A torn or damaged file, or an impossible time: grants may be missing, and one may be as far ahead as the longest
    wait. Domains start one interval after that.
    """
    latest = now + MAX_WAIT_MS
    table = PackedTable(max_entries)
    try:
        of_this_boot = [_read(path, boot, table) for path in files]
    except DamagedState:
        return PackedTable(max_entries, floor=latest)
    if table.latest() > latest:
        return PackedTable(max_entries, floor=latest)
    if not files or not all(of_this_boot):
        table.raise_floor(now)
    return table


def _read(path: Path, boot: bytes, table: PackedTable) -> bool:
    """Merge a file into the table; False if it is of another boot."""
    try:
        if path.suffix == ".snapshot":
            read_snapshot(path, boot, table)
        else:
            read_log(path, boot, table)
    except OtherBoot:
        return False
    return True


def _files(directory: Path) -> list[Path]:
    """The directory's logs and snapshots, oldest first, a snapshot before its log; nothing else there is ours."""
    ours = [p for p in directory.iterdir() if p.suffix in {".snapshot", ".log"} and p.stem.isdecimal()]
    return sorted(ours, key=lambda path: (int(path.stem), path.suffix == ".log"))


def _path(directory: Path, number: int, kind: str) -> Path:
    return directory / f"{number:08d}.{kind}"


def _replace(path: Path, pieces: list[bytes], old: list[Path]) -> None:
    write_snapshot(path, pieces)
    _remove(old)


def _remove(files: list[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)
