"""Content as files under hashed keys: `<root>/ab/<URL key>-<content hash>.zst`, each a plain zstd frame.

`ab` are the key's first two digits. A directory for each URL would cost as much to make as its file.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from drivers.disk_errors import disk_errors
from drivers.paths import path_of
from drivers.sqlite import Durability
from runtime.batching import LONGEST_REST_MS, Batching, in_thread
from urlstore.bounds import check_content_key

_INCOMING = "incoming"
_NUMBERS = itertools.count()  # for the whole process, because it may have a directory open twice


class FileContent:
    """`ContentBackend` over a directory.

    A new object is written at its final place: no reader looks for it before the row that names it, which is written
    after it. Making a file once instead of twice (beside, then renamed) is half of the kernel's cost of storing a page.
    A file that exists already may be torn, by a killed writer, or in use by a reader: it is replaced
    whole, by a rename. So is every file if files must survive a power failure.
    """

    def __init__(self, root: Path, durability: Durability) -> None:
        self._root = root
        self._durability = durability
        self._puts = Batching(in_thread(self._put_all), longest_rest_ms=LONGEST_REST_MS)

    @classmethod
    async def open(cls, url: str, *, durability: Durability = "normal") -> Self:
        """The directory that `url` (`file:///full/path`) names, created if needed.

        Raises `BadConfiguration`, `StoreUnreadable`, `DiskFull`.
        """
        root = path_of(url, "file")
        await asyncio.to_thread(_prepare, root)
        return cls(root, durability)

    async def put(self, content_key: str, blob: bytes) -> None:
        """Write the file; with durability `full` it and its directories reach the disk first."""
        path = self._path(content_key)
        if self._durability == "full":  # most of it is waiting for the disk, which does many at a time
            await asyncio.to_thread(self._replace, path, blob)
        else:
            await self._puts((path, blob))

    async def get(self, content_key: str) -> bytes | None:
        """The file's bytes."""
        return await asyncio.to_thread(_read, self._path(content_key))

    async def close(self) -> None:
        """Nothing is held."""

    def _path(self, content_key: str) -> str:
        return f"{self._root}/{content_key[:2]}/{check_content_key(content_key).replace('/', '-')}.zst"

    def _put_all(self, puts: Sequence[tuple[str, bytes]]) -> Sequence[None]:
        for path, blob in puts:
            self._put(path, blob)
        return [None] * len(puts)

    def _put(self, path: str, blob: bytes) -> None:
        with disk_errors(path):
            is_there = _created(path, blob)
        if not is_there:
            self._replace(path, blob)

    def _replace(self, path: str, blob: bytes) -> None:
        """Write beside, then rename."""
        # The name contains our process: the next one that opens the store removes files that a killed one left.
        aside = self._root / _INCOMING / f"{os.getpid()}-{next(_NUMBERS)}"
        with disk_errors(path):
            try:
                self._write(aside, blob)
                _rename(aside, Path(path))
            except OSError:
                aside.unlink(missing_ok=True)  # frees the bytes on a full disk
                raise
            if self._durability == "full":
                for directory in (Path(path).parent, self._root):
                    _sync(directory)

    def _write(self, path: Path, blob: bytes) -> None:
        # Without a file object, which makes three more system calls: each releases the interpreter's lock.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            _write_all(file, blob)
            if self._durability == "full":
                os.fsync(file)
        finally:
            os.close(file)


def _created(path: str, blob: bytes) -> bool:
    """True if the file could be made: False if it exists, or the directory doesn't."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except (FileExistsError, FileNotFoundError):
        return False
    try:
        _write_all(file, blob)
    except OSError:
        # Frees the bytes on a full disk. By the file, not by its name, which may be another writer's by now.
        os.ftruncate(file, 0)
        raise
    finally:
        os.close(file)
    return True


def _write_all(file: int, blob: bytes) -> None:
    left = memoryview(blob)
    while left:
        left = left[os.write(file, left) :]


def _rename(aside: Path, path: Path) -> None:
    """Into the directory of the key's first byte, which exists except for the first time."""
    try:
        aside.rename(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(path)


def _prepare(root: Path) -> None:
    with disk_errors(root):
        incoming = root / _INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        for left in incoming.iterdir():
            if not _lives(left.name.partition("-")[0]):
                left.unlink(missing_ok=True)


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    return True


def _read(path: str) -> bytes | None:
    with disk_errors(path):
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            return None


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
