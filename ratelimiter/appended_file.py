"""A file that only grows, by records that are either complete or absent."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from thrift_idl.errors import BackendDown

Failure = Callable[[OSError, Path], BackendDown]


class AppendedFile:
    """A new file, being written. `failure` explains a failed operation to the operator."""

    def __init__(self, path: Path, header: bytes, failure: Failure, *, replaces: bool) -> None:
        """Begin it with `header`; `replaces` a file of that name, or fails if there is one.

        Raises `DiskFull`, `BackendDown`.
        """
        flags = os.O_CREAT | (os.O_TRUNC if replaces else os.O_EXCL) | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        try:
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise failure(error, path) from error
        self._path = path
        self._failure = failure
        self.size = 0
        try:
            self.append(header)
        except BackendDown:
            self.close()
            path.unlink()
            raise

    def append(self, records: bytes) -> None:
        """Write wholly or not at all. Raises `DiskFull`, `BackendDown`."""
        try:
            written = os.write(self._file, records)
            if written < len(records):
                os.ftruncate(self._file, self.size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise self._failure(error, self._path) from error
        self.size += written

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
