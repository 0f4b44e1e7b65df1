"""Ledger files read back as one stream of grants, in the order of asking: of several shards, restarts and machines.

Times. Slots are times of the monotonic clock of a machine's boot, which all its processes share: those of one boot get
one and the same offset on a common time line, so that they compare exactly, even if the wall clock jumped meanwhile.
Two boots (a restart of the machine, another machine) compare by their wall clocks, as exactly as these agree.
`wall_ms` follows the wall clock as it was adjusted, and serves the comparison with other people's logs.

Memory is bounded: one line of each shard at a time.

Another question is whether the record has all grants that were given: `Condition` holds the doubts.
"""

from __future__ import annotations

import heapq
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, NamedTuple

import zstandard

from ratelimiter.ledger.lines import (
    MAX_LINE_BYTES,
    Anchor,
    DamagedLine,
    LedgerEntry,
    LedgerHeader,
    read_header,
    read_line,
)
from ratelimiter.ledger.segments import PACKED, segment_files
from thrift_idl.errors import InvalidRequest, StoreUnreadable

_MAX_WINDOW: Final = 8 * 1024 * 1024  # the memory that a file may make zstd's decoder keep


class Granted(NamedTuple):
    """One grant on the common time line."""

    asked_ms: float
    slot_ms: float
    wall_ms: float
    """The slot by the wall clock of its machine (ms since 1970)."""
    entry: LedgerEntry
    shard: str
    boot: str


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """A file, and its writer."""

    path: Path
    header: LedgerHeader
    bytes: int


@dataclass(slots=True)
class Condition:
    """The condition of the files; grows while they are read."""

    torn: list[str] = field(default_factory=list)
    """Files whose last line a kill had cut off: its grants were given at most within one turn of a loop before."""
    damaged: list[str] = field(default_factory=list)
    """Unreadable places (file:line): grants may be missing. Bounded."""
    missing: list[str] = field(default_factory=list)
    """Missing numbers between two files of a shard."""
    ends: list[float] = field(default_factory=list)
    """The time (wall clock) of the last request on record, for each file that ends without its closing line."""
    headless: list[str] = field(default_factory=list)
    """Files that were killed before their first line was complete: they held no grant."""
    unsigned: list[str] = field(default_factory=list)
    """Files whose first line is unreadable, though others follow: their writer and time are unknown."""
    overlapping: list[str] = field(default_factory=list)
    """Files to which grants were still written after the next one of their folder had begun: there were two writers."""
    abandoned: list[str] = field(default_factory=list)
    """Files without an end, followed by one whose writer didn't know that the previous writer had ended."""
    cut: list[str] = field(default_factory=list)
    """Files without an end, followed by one of another boot: a power cut may have taken their last half minute."""
    jumps: list[str] = field(default_factory=list)
    """Files in which, or before which, a wall clock was set. Bounded."""


class FileEnding(NamedTuple):
    """The end of a file."""

    closed: bool
    last_asked_ms: float
    """The time of the last request in it, or of its beginning; by its boot's clock."""
    anchor: Anchor
    """The last anchor."""


_MOST_PLACES: Final = 100
_ROUNDING_MS: Final = 0.01
_SET_MS: Final = 250.0
_SLEWED: Final = 0.0005
Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call."""


def ledger_files(paths: Iterable[Path], condition: Condition) -> list[LedgerFile]:
    """The named files, and those of named folders and their subfolders; each once.

    Raises `InvalidRequest` for paths that don't exist or hold none, `StoreUnreadable`, `StoreTooNew`.
    """
    found: list[LedgerFile] = []
    for path in paths:
        files = _named(path)
        if not files:
            raise InvalidRequest(f"{path}: no ledger here; the setting ratelimiter.ledger says where yours is")
        for file in files:
            header = _header(file, condition)
            if header:
                found.append(LedgerFile(file, header, file.stat().st_size))
    _note_missing(found, condition)
    return found


def _named(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.is_file() else []
    folders = [path, *sorted(folder for folder in path.rglob("*") if folder.is_dir())]
    return [file for folder in folders for file in segment_files(folder)]


def _header(path: Path, condition: Condition) -> LedgerHeader | None:
    with _lines(path) as (lines, _):
        try:
            return read_header(lines.readline(MAX_LINE_BYTES), str(path))
        except DamagedLine:
            (condition.unsigned if lines.readline(1) else condition.headless).append(str(path))
            return None


def _note_missing(files: list[LedgerFile], condition: Condition) -> None:
    """Missing numbers: the oldest files go when the ledger reaches its bound, but none goes from the middle."""
    numbers: dict[Path, list[int]] = {}
    for file in files:
        stem = file.path.name.partition(".")[0]
        if stem.isdecimal():
            numbers.setdefault(file.path.parent, []).append(int(stem))
    heads = {Path(name).parent for name in (*condition.headless, *condition.unsigned)}
    for folder, own in numbers.items():
        gone = sorted(set(range(min(own), max(own))) - set(own))
        if gone and folder not in heads:
            condition.missing.append(f"{folder}: {', '.join(map(str, gone[:10]))}")


def grants(files: Iterable[LedgerFile], condition: Condition, progress: Progress = lambda _: None) -> Iterator[Granted]:
    """All grants, in the order of asking."""
    ordered = sorted(files, key=lambda file: (file.header.anchor.wall_ms, file.path.name))
    offsets: dict[str, float] = {}
    streams: dict[tuple[Path, str], list[LedgerFile]] = {}
    for file in ordered:
        anchor = file.header.anchor
        offsets.setdefault(file.header.boot, anchor.wall_ms - anchor.monotonic_ms)
        streams.setdefault((file.path.parent, file.header.shard), []).append(file)
    endings: dict[Path, FileEnding] = {}
    read = [_of_shard(own, offsets, condition, endings, progress) for own in streams.values()]
    yield from heapq.merge(*read, key=lambda granted: granted.asked_ms)
    note_successions(ordered, endings, condition)


def _of_shard(
    files: list[LedgerFile],
    offsets: dict[str, float],
    condition: Condition,
    endings: dict[Path, FileEnding],
    progress: Progress,
) -> Iterator[Granted]:
    for file in files:
        header = file.header
        offset, anchor = offsets[header.boot], header.anchor
        wall_offset, end, closed = _offset(anchor), anchor.wall_ms, False
        last_asked_ms = anchor.monotonic_ms
        for told in _read(file, condition, progress):
            if isinstance(told, Anchor):
                if _is_jump(anchor, told):
                    _note_place(condition.jumps, str(file.path))
                anchor, wall_offset, end, closed = told, _offset(told), told.wall_ms, told.closed
                continue
            for entry in told:
                slot = entry.slot_ms + offset
                wall = entry.slot_ms + wall_offset
                end = wall - entry.wait_ms
                last_asked_ms = max(last_asked_ms, entry.slot_ms - entry.wait_ms)
                yield Granted(slot - entry.wait_ms, slot, wall, entry, header.shard, header.boot)
        endings[file.path] = FileEnding(closed, last_asked_ms, anchor)
        if not closed:
            condition.ends.append(end)


def note_successions(files: Sequence[LedgerFile], endings: Mapping[Path, FileEnding], condition: Condition) -> None:
    """Conclusions about writers and clocks from the files of each folder, in order."""
    folders: dict[Path, list[LedgerFile]] = {}
    for file in sorted(files, key=lambda file: file.path.name):
        if file.path in endings:
            folders.setdefault(file.path.parent, []).append(file)
    for own in folders.values():
        for before, after in pairwise(own):
            _note_succession(before, endings[before.path], after, condition)


def _note_succession(before: LedgerFile, ending: FileEnding, after: LedgerFile, condition: Condition) -> None:
    name, begun = str(before.path), after.header.anchor
    if before.header.boot != after.header.boot:
        if not ending.closed:
            condition.cut.append(name)
        if begun.wall_ms < ending.anchor.wall_ms:
            _note_place(condition.jumps, str(after.path))
        return
    if ending.last_asked_ms > begun.monotonic_ms + _ROUNDING_MS:
        condition.overlapping.append(name)
    elif not ending.closed and not after.header.is_alone:
        condition.abandoned.append(name)
    if _is_jump(ending.anchor, begun):
        _note_place(condition.jumps, str(after.path))


def _is_jump(one: Anchor, other: Anchor) -> bool:
    """True if the wall clock was set between two anchors of one boot, rather than slewed (adjtimex: 500 ppm)."""
    apart_ms = abs(other.monotonic_ms - one.monotonic_ms)
    return abs(_offset(other) - _offset(one)) > _SET_MS + _SLEWED * apart_ms


def _offset(anchor: Anchor) -> float:
    return anchor.wall_ms - anchor.monotonic_ms


def _read(file: LedgerFile, condition: Condition, progress: Progress) -> Iterator[Anchor | list[LedgerEntry]]:
    """The file's lines except the first. An unreadable one is noted and left out."""
    path, told, number = str(file.path), 0, 1
    with _lines(file.path) as (lines, raw):
        lines.readline(MAX_LINE_BYTES)
        for text in iter(lambda: lines.readline(MAX_LINE_BYTES), b""):
            number += 1
            try:
                yield read_line(text)
            except DamagedLine:
                _note(condition, path, number, text)
            progress(raw.tell() - told)
            told = raw.tell()


def _note(condition: Condition, path: str, number: int, text: bytes) -> None:
    if not text.endswith(b"\n") and len(text) < MAX_LINE_BYTES:
        condition.torn.append(path)
    else:
        _note_place(condition.damaged, f"{path}:{number}")


def _note_place(places: list[str], place: str) -> None:
    if len(places) < _MOST_PLACES:
        places.append(place)


@contextmanager
def _lines(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file's text, and the file itself. Raises `StoreUnreadable`."""
    try:
        with path.open("rb") as raw:
            if path.name.endswith(PACKED):
                unpacked = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(raw)
                yield io.BufferedReader(unpacked), raw
            else:
                yield raw, raw
    except OSError as error:
        raise StoreUnreadable(f"{path}: {error.strerror}", path=str(path)) from error
    except zstandard.ZstdError as error:
        raise StoreUnreadable(f"{path} is damaged: {error}; take it out of the list", path=str(path)) from error
