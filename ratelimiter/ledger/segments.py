"""The files of a ledger: `00000012.ledger` is being written, or was when its process died; `00000011.ledger.zst` is
finished and compressed. One directory for each shard, bounded: the oldest files are removed first.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

import zstandard

from ratelimiter.appended_file import AppendedFile
from thrift_idl.errors import BackendDown, DiskFull

RAW: Final = ".ledger"
PACKED: Final = ".ledger.zst"
_LEVEL: Final = 3


class Segment(AppendedFile):
    """The file that is being written."""

    def __init__(self, path: Path, header: bytes) -> None:
        """Begin it. Raises `DiskFull`, `BackendDown`."""
        super().__init__(path, header, failure, replaces=False)


def failure(error: OSError, path: Path) -> BackendDown:
    """The error of the tree for a failed file operation."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        message = f"{path}: no space left for the ledger, and only recorded grants are given: make room"
        return DiskFull(message, path=str(path))
    return BackendDown(f"{path}: {error.strerror}", path=str(path))


def segment_path(directory: Path, number: int) -> Path:
    """The path of a numbered file, uncompressed."""
    return directory / f"{number:08d}{RAW}"


def segment_files(directory: Path) -> list[Path]:
    """The directory's files, oldest first; nothing else there is ours. Raises OSError.

    If a kill left a number in both forms, the compressed one is complete: it got its name after its last byte.
    """
    found = {_number(path): path for path in sorted(directory.iterdir()) if _number(path)}
    return [found[number] for number in sorted(found)]


def latest_number(directory: Path) -> int:
    """The highest number in the directory, which is created if missing; 0 = none. Raises `BackendDown`."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return max(map(_number, directory.iterdir()), default=0)
    except OSError as error:
        raise failure(error, directory) from error


def tidy(directory: Path, first: int, current: int, max_bytes: int) -> None:
    """Compress every file from `first` on that is older than `current`, then remove the oldest beyond `max_bytes`.

    Raises OSError.
    """
    for path in sorted(directory.glob(f"*{RAW}")):
        if max(first, 1) <= _number(path) < current:
            compress(path)
    kept = 0
    for path in reversed(segment_files(directory)):
        if _number(path) < current:
            kept += path.stat().st_size
            if kept > max_bytes:
                path.unlink()


def compress(path: Path) -> None:
    """Replace `path` by its compressed file; at every moment one of them exists, complete."""
    packed = path.with_suffix(PACKED)
    beside = path.with_suffix(".part")
    with path.open("rb") as raw, beside.open("wb") as file:
        zstandard.ZstdCompressor(_LEVEL, write_checksum=True).copy_stream(raw, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(packed)
    path.unlink()


def _number(path: Path) -> int:
    """The file's number; 0 = it is no file of a ledger."""
    stem, _, kind = path.name.partition(".")
    return int(stem) if stem.isdecimal() and f".{kind}" in {RAW, PACKED} else 0
