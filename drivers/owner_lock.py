"""One writer of a place: a lock on a file (flock), with the pid of the process that holds it.

The kernel drops the lock of a process that dies, and it doesn't matter by which path the file was named. But the
holder isn't told that the file was deleted or replaced, or its folder moved: the next process then locks another file.
So a holder checks its lock again and again (`check`), and a process that takes one learns whether the previous holder
has ended (`is_known`): a new file, or one with the pid of a living process, may be there because the file of a living
holder is gone.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from thrift_idl.errors import BackendDown, DiskFull, FolderLocked, LockLost

OWNER_LOCK = "owner.lock"
"""Name of the lock file in a folder with one writer."""


class OwnerLock:
    """A lock that is held."""

    def __init__(self, path: Path, descriptor: int, is_known: bool) -> None:
        self.is_known = is_known
        """True if the file says that its previous holder has released it or ended."""
        self._path = path
        self._descriptor = descriptor
        self._identity = _identity(os.fstat(descriptor))

    @classmethod
    def take(cls, path: Path) -> OwnerLock:
        """The lock of the file `path`, made if it isn't there; never waits for another process.

        Raises `FolderLocked` (details: pid, path) if another holds it, `DiskFull`, `BackendDown`.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            while True:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if _identity(os.fstat(descriptor)) == _identity(path.stat()):  # otherwise it was replaced meanwhile
                        return cls(path, descriptor, _signed(descriptor))
                except BaseException:
                    os.close(descriptor)
                    raise
                os.close(descriptor)
        except BlockingIOError:
            pid = owner_pid(path)
            message = f"{path.parent}: process {pid} writes to it ({path.name}); stop it, or name another place"
            raise FolderLocked(message, pid=str(pid), path=str(path)) from None
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(f"{path}: {error.strerror}; make room, then run this again", path=str(path)) from error
            raise BackendDown(f"{path}: {error.strerror}", path=str(path)) from error

    def check(self) -> None:
        """Raise `LockLost` if the path no longer names the file that is locked: another may own the place by now."""
        try:
            if _identity(os.stat(self._path)) == self._identity:  # noqa: PTH116 - on the way of every request
                return
        except OSError:
            pass
        raise LockLost(
            f"{self._path}: the lock of this process was deleted, replaced or moved, and another may own the place by "
            "now: nothing more is granted or sent; run this again",
            path=str(self._path),
        )

    def release(self) -> None:
        """Release it; the file stays, without a pid."""
        with suppress(OSError):  # a full disk: the next holder assumes that we may live, and waits a moment
            _write(self._descriptor, 0)
        os.close(self._descriptor)


class Locks:
    """The locks that a process must hold in order to grant and to send; it may have none."""

    def __init__(self) -> None:
        self._checks: list[Callable[[], None]] = []

    def add(self, lock: OwnerLock) -> None:
        """Add one lock."""
        self._checks.append(lock.check)

    def check(self) -> None:
        """Raise `LockLost` if one is lost."""
        for check in self._checks:
            check()


def owner_pid(path: Path) -> int:
    """The pid in the lock file `path`; 0 = none."""
    with suppress(OSError, ValueError, IndexError):
        return int(path.read_text().split()[0])
    return 0


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _signed(descriptor: int) -> bool:
    """Sign the locked file with our pid. True if the process that signed it before has released it or ended."""
    before = os.pread(descriptor, 100, 0).split()[:1]
    _write(descriptor, os.getpid())
    return bool(before) and before[0].isdigit() and not _lives(int(before[0]))


def _write(descriptor: int, pid: int) -> None:
    text = f"{pid}\n".encode()
    os.pwrite(descriptor, text, 0)  # first, because a full disk still has room for existing bytes
    os.ftruncate(descriptor, len(text))


def _lives(pid: int) -> bool:
    """True if there is another process with that pid."""
    if pid in (0, os.getpid()):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
