"""Errors of the file system, explained to the operator."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from thrift_idl.errors import AragogError, DiskFull, StoreUnreadable

_NO_ROOM = 65_536  # bytes: with less than this, almost nothing can be written
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk_errors(path: str | Path) -> Iterator[None]:
    """Raise an OSError as `DiskFull` or `StoreUnreadable`."""
    try:
        yield
    except OSError as error:
        raise of_system(error, path) from error


def of_system(error: OSError, path: str | Path) -> AragogError:
    """The error of our tree for `error`, which happened at `path`."""
    if error.errno in _DISK_FULL:
        return disk_full(path)
    return StoreUnreadable(f"{path} can't be used ({error}): check path and permissions", path=str(path))


def disk_full(path: str | Path) -> DiskFull:
    """No space on the file system of `path`."""
    return DiskFull(f"no space left for {path}: make room, then repeat; what was stored stays", path=str(path))


def has_room(path: str | Path) -> bool:
    """True if more can be written on the file system of `path`, or if that is unknown."""
    try:
        disk = os.statvfs(Path(path).parent)
    except OSError:
        return True
    return disk.f_bavail * disk.f_frsize >= _NO_ROOM
