"""The lock on an embedded data directory: a process that fetches or limits from it holds the lock, with its pid.

Two processes that both grant slots of one domain would double its rate. Readers need no lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.owner_lock import OWNER_LOCK, OwnerLock
from thrift_idl.errors import BackendDown, DiskFull, FolderLocked

Waiting = Callable[[int], None]
"""Called once, with the owner's pid, if the lock must be waited for."""


class DataDirectoryLocked(BackendDown):
    """Another process fetches from this data directory."""

    code = "data_directory_locked"


@asynccontextmanager
async def owned(data_path: Path, wait_ms: int, waiting: Waiting) -> AsyncIterator[OwnerLock]:
    """Own `data_path` for the length of the block. `waiting(pid)` is called once with the holder's pid.

    Raises `DataDirectoryLocked` after `wait_ms`. The kernel drops the lock of a process that dies.
    """
    left_ms, told = wait_ms, False
    while True:
        try:
            lock = OwnerLock.take(data_path / OWNER_LOCK)
            break
        except FolderLocked as error:
            pid = error.details["pid"]
        except DiskFull:
            raise
        except BackendDown as error:
            raise BackendDown(f"{error.message}; set data_dir to a folder that you may write") from error
        if left_ms <= 0:
            message = f"{data_path}: process {pid} fetches from it; wait, stop it, or use another data_dir"
            raise DataDirectoryLocked(message, pid=pid)
        if not told:
            waiting(int(pid))
            told = True
        await asyncio.sleep(0.05)
        left_ms -= 50
    try:
        yield lock
    finally:
        lock.release()
