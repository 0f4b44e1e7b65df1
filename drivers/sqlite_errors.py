"""Errors of SQLite, explained to the operator (https://www.sqlite.org/rescode.html)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.disk_errors import disk_full, has_room, of_system
from thrift_idl.errors import AragogError, BackendDown, StoreUnreadable

_NOT_A_STORE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_DENIED = (sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def named(path: str) -> str:
    """The file's name in messages."""
    return f"the SQLite file {path}" if path != ":memory:" else "the database in memory"


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Raise SQLite's and the file system's errors as ours; a mistake in the SQL itself stays what it is."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.Error as error:
        raise translate(error, path) from error
    except OSError as error:
        raise of_system(error, path) from error


def translate(error: sqlite3.Error, path: str) -> AragogError:
    """The error of our tree for `error`."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary one of an extended code
    if code == sqlite3.SQLITE_FULL or (code in _DISK and not has_room(path)):
        return disk_full(path)
    if code in _NOT_A_STORE:
        message = f"{named(path)} is damaged or no SQLite file ({error}): restore it, or name another path"
        return StoreUnreadable(message, path=path)
    if code in _DENIED:
        message = f"{named(path)} can't be opened or written ({error}): check path and permissions"
        return StoreUnreadable(message, path=path)
    if code in _BUSY:
        message = f"{named(path)} is held by another process ({error}): try again when that is done"
        return BackendDown(message, path=path)
    return BackendDown(f"{named(path)} failed: {error}", path=path)
