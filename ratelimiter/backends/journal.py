"""Files of a state directory: numbered logs of fixed-size records, and snapshots that begin a number.

`00000007.log` holds the grants made since `00000007.snapshot` was taken. Times only grow, so reading takes the latest
time of each key from all files, in any order, and a crash between any two steps of a rotation loses nothing.

Times are those of the machine's monotonic clock, which all processes share until the machine is booted again; each
file names its boot. So the wall clock doesn't matter: it may jump. After a boot the times before it have no use.
For the same reason nothing is synced to the disk: the page cache survives every end of a process, and data lost in a
power cut would not be read again.
"""

from __future__ import annotations

import errno
import zlib
from array import array
from pathlib import Path
from struct import Struct
from typing import Final

from ratelimiter.appended_file import AppendedFile
from ratelimiter.table import PackedTable, Part
from thrift_idl.errors import BackendDown, DiskFull, StoreTooNew

VERSION: Final = 1
_HEADER: Final = Struct("<4sH16s")  # magic, version, boot; a checksum follows
_ENTRY: Final = Struct("<Qd")
_CHECK: Final = Struct("<L")
RECORD_BYTES: Final = _ENTRY.size + _CHECK.size
_HEADER_BYTES: Final = _HEADER.size + _CHECK.size
_PART: Final = Struct("<dL")  # floor, places
_LOG_MAGIC: Final = b"ARLL"
_SNAPSHOT_MAGIC: Final = b"ARLS"
_CHUNK_RECORDS: Final = 50_000


class DamagedState(Exception):
    """A file of the state can't be read to its end."""


class OtherBoot(Exception):
    """A file of the state belongs to a monotonic clock that no longer exists."""


def record(key: int, time_ms: float) -> bytes:
    """One grant in the log's form: key, time, checksum."""
    return _checked(_ENTRY.pack(key, time_ms))


class Log(AppendedFile):
    """The log that is being written."""

    def __init__(self, path: Path, boot: bytes) -> None:
        """Begin a new log. Raises `DiskFull`, `BackendDown`."""
        super().__init__(path, _checked(_HEADER.pack(_LOG_MAGIC, VERSION, boot)), failure, replaces=True)


def failure(error: OSError, path: Path) -> BackendDown:
    """The error of the tree for a failed file operation."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"{path}: no space left for the limiter's state: make room, then try again", path=str(path))
    return BackendDown(f"{path}: {error.strerror}", path=str(path))


def read_log(path: Path, boot: bytes, table: PackedTable) -> None:
    """Merge a log into the table. Raises `OtherBoot`, `StoreTooNew`; `DamagedState` at a torn or damaged record."""
    with path.open("rb") as file:
        _check_header(file.read(_HEADER_BYTES), _LOG_MAGIC, boot, path)
        while chunk := file.read(RECORD_BYTES * _CHUNK_RECORDS):
            for start in range(0, len(chunk), RECORD_BYTES):
                entry = chunk[start : start + RECORD_BYTES]
                if entry != _checked(entry[: _ENTRY.size]):
                    raise DamagedState(path)
                _merge(table, *_ENTRY.unpack_from(entry))


def snapshot(parts: list[Part], boot: bytes) -> list[bytes]:
    """The table as the pieces of a snapshot: a copy, to be written while the table changes."""
    pieces = [_checked(_HEADER.pack(_SNAPSHOT_MAGIC, VERSION, boot))]
    for part in parts:
        places = len(part.keys) if part.used else 0
        pieces.append(_PART.pack(part.floor, places))
        if places:
            pieces += (part.keys.tobytes(), part.times.tobytes())
    return pieces


def write_snapshot(path: Path, pieces: list[bytes]) -> None:
    """Write under a temporary name, then rename: the snapshot is whole or absent. Raises `DiskFull`, `BackendDown`."""
    beside = path.with_suffix(".part")
    check = 0
    try:
        with beside.open("wb") as file:
            for piece in pieces:
                check = zlib.crc32(piece, check)
                file.write(piece)
            file.write(_CHECK.pack(check))
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise failure(error, path) from error


def read_snapshot(path: Path, boot: bytes, table: PackedTable) -> None:
    """Merge a snapshot into the table. Raises `OtherBoot`, `StoreTooNew`, `DamagedState`."""
    content = path.read_bytes()
    _check_header(content[:_HEADER_BYTES], _SNAPSHOT_MAGIC, boot, path)
    body = content[: -_CHECK.size]
    if content[-_CHECK.size :] != _CHECK.pack(zlib.crc32(body)):
        raise DamagedState(path)
    at = _HEADER_BYTES
    for part in table.parts:
        floor, places = _PART.unpack_from(body, at)
        at += _PART.size
        part.floor = max(part.floor, floor)
        keys, times = array("Q"), array("d")
        keys.frombytes(body[at : at + 8 * places])
        times.frombytes(body[at + 8 * places : at + 16 * places])
        at += 16 * places
        for key, time_ms in zip(keys, times, strict=True):
            if key:
                _merge(table, key, time_ms)


def _merge(table: PackedTable, key: int, time_ms: float) -> None:
    if time_ms > table.find(key):
        table.put(key, time_ms)


def _checked(content: bytes) -> bytes:
    return content + _CHECK.pack(zlib.crc32(content))


def _check_header(header: bytes, magic: bytes, boot: bytes, path: Path) -> None:
    if len(header) < _HEADER_BYTES:
        raise DamagedState(path)
    its_magic, version, its_boot = _HEADER.unpack_from(header)
    if its_magic == magic and version > VERSION:
        raise StoreTooNew(f"{path} was written by a newer Aragog: upgrade this one", path=str(path))
    if its_magic != magic or header != _checked(header[: _HEADER.size]):
        raise DamagedState(path)
    if its_boot != boot:
        raise OtherBoot(path)
