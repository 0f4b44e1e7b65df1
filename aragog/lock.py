"""One owner of an embedded data directory: whoever fetches or limits from it holds a lock with its pid.

Two processes that both grant slots of one domain would double its rate. Readers need no lock.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from thrift_idl.errors import BackendDown, DiskFull

LOCK = "owner.lock"
Waiting = Callable[[int], None]
"""Told once, with the owner's pid, that the lock must be waited for."""


class DataDirectoryLocked(BackendDown):
    """Another process fetches from this data directory."""

    code = "data_directory_locked"


def owner_pid(data_path: Path) -> int:
    """The pid in the lock file; 0 = none."""
    with suppress(OSError, ValueError):
        return int((data_path / LOCK).read_text())
    return 0


def _open(data_path: Path) -> int:
    try:
        data_path.mkdir(parents=True, exist_ok=True)
        return os.open(data_path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise BackendDown(f"{data_path}: {error.strerror}; set data_dir to a folder that you may write") from error


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, data_path: Path) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise DiskFull(f"{data_path}: {error.strerror}; make room, then run this again") from error


@asynccontextmanager
async def owned(data_path: Path, wait_ms: int, waiting: Waiting) -> AsyncIterator[None]:
    """Own `data_path` for the length of the block. `waiting(pid)` is told once who holds it.

    Raises `DataDirectoryLocked` after `wait_ms`. The kernel drops the lock of a process that dies.
    """
    descriptor = _open(data_path)
    try:
        left_ms, told = wait_ms, False
        while not _take(descriptor):
            pid = owner_pid(data_path)
            if left_ms <= 0:
                raise DataDirectoryLocked(
                    f"{data_path}: process {pid} fetches from it; wait, stop it, or use another data_dir", pid=str(pid)
                )
            if not told:
                waiting(pid)
                told = True
            await asyncio.sleep(0.05)
            left_ms -= 50
        _sign(descriptor, data_path)
        yield
    finally:
        os.close(descriptor)
