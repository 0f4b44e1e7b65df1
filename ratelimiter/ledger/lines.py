"""The lines of a ledger file: a checksum, a space, JSON. Pure.

    1d5a0b3c {"ledger":1,"shard":"127.0.0.1:9102","boot":"8c1e…","pid":71,"monotonic_ms":93211.5,"wall_ms":…,"alone":…}
    77e01f42 [["example.org","www.example.org",93350.25,138.75,100.0,0.0,"default",3], …]
    0c9b61aa {"monotonic_ms":153211.5,"wall_ms":1790000060000.1}

The first line names the shard and the monotonic clock (`boot`) of every slot; it and similar lines, about one a minute,
give the wall clock's time at the same moment. All other lines are grants, in the order of their answers. The checksum
distinguishes a complete line from one that a kill cut in two.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from thrift_idl.errors import StoreTooNew, StoreUnreadable

VERSION: Final = 1
MAX_LINE_BYTES: Final = 16 * 1024 * 1024
_PREFIX: Final = 9  # eight hex digits and the space


BY_CRAWL_DELAY: Final = ", Crawl-delay"

Row = tuple[str, str, float, float, float, float, str, int]
"""A `LedgerEntry` without names, as the hot path makes it."""


class DamagedLine(Exception):
    """A line that differs from the written one: torn by a kill, or damaged."""


class LedgerEntry(NamedTuple):
    """One grant as it is written; a plain tuple, because hundreds of thousands may be made in a second."""

    domain: str
    host: str
    slot_ms: float
    """The time when it may be used, by the monotonic clock of the file's boot."""
    wait_ms: float
    """Its distance into the future when it was granted."""
    interval_ms: float
    """The distance in force between two slots of the domain: its limit's, or a longer Crawl-delay."""
    host_interval_ms: float
    """The same of the host, if it has a limit of its own; 0 = it has none."""
    limit: str
    """The limit that decided; ends in `BY_CRAWL_DELAY` if robots.txt made its interval longer."""
    version: int
    """Version of the shards' membership; 0 = there are no shards."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One moment by two clocks."""

    monotonic_ms: float
    wall_ms: float
    """Since 1970, UTC."""
    closed: bool = False
    """The file's last line: its process ended it normally. Without it, the process was killed, or still writes."""


@dataclass(frozen=True, slots=True)
class LedgerHeader:
    """The writer of a file, and the clock of its times."""

    shard: str
    boot: str
    """Names the monotonic clock, in hex: files of one boot, of any shard, compare exactly."""
    pid: int
    anchor: Anchor
    is_alone: bool = False
    """True: its process held the ledger's lock, and knew that no other still wrote; False: neither, or unknown."""


def line(value: Any) -> bytes:
    """`value` as one line. Tuples become JSON arrays."""
    body = orjson.dumps(value)
    return b"%08x %b\n" % (zlib.crc32(body), body)


def header_line(header: LedgerHeader) -> bytes:
    """The first line of a file."""
    anchor = header.anchor
    return line(
        {
            "ledger": VERSION,
            "shard": header.shard,
            "boot": header.boot,
            "pid": header.pid,
            "monotonic_ms": anchor.monotonic_ms,
            "wall_ms": anchor.wall_ms,
            "alone": header.is_alone,
        }
    )


def anchor_line(anchor: Anchor) -> bytes:
    """The wall clock's time at a moment of the monotonic one."""
    told: dict[str, float | bool] = {"monotonic_ms": anchor.monotonic_ms, "wall_ms": anchor.wall_ms}
    return line(told | {"closed": True} if anchor.closed else told)


def read_header(text: bytes, name: str) -> LedgerHeader:
    """The header in the first line of the file `name`. Raises `DamagedLine`, `StoreUnreadable`, `StoreTooNew`."""
    value = _value(text)
    version = value.get("ledger") if isinstance(value, dict) else None
    if not isinstance(version, int):
        raise StoreUnreadable(f"{name} is no ledger of the rate limiter", path=name)
    if version > VERSION:
        raise StoreTooNew(f"{name} was written by a newer Aragog: upgrade this one", path=name)
    try:
        return LedgerHeader(
            str(value["shard"]), str(value["boot"]), int(value["pid"]), _anchor(value), value.get("alone") is True
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedLine(name) from error


def read_line(text: bytes) -> Anchor | list[LedgerEntry]:
    """Any line except the first. Raises `DamagedLine`."""
    value = _value(text)
    try:
        return _anchor(value) if isinstance(value, dict) else [_entry(row) for row in value]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedLine(text[:80]) from error


def _value(text: bytes) -> Any:
    body = text[_PREFIX:-1]
    if text[-1:] != b"\n" or text[:_PREFIX] != b"%08x " % zlib.crc32(body):
        raise DamagedLine(text[:80])
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DamagedLine(text[:80]) from error


def _anchor(value: dict[str, Any]) -> Anchor:
    return Anchor(float(value["monotonic_ms"]), float(value["wall_ms"]), value.get("closed") is True)


def _entry(row: list[Any]) -> LedgerEntry:
    domain, host, slot_ms, wait_ms, interval_ms, host_interval_ms, limit, version = row
    return LedgerEntry(
        domain, host, slot_ms + 0.0, wait_ms + 0.0, interval_ms + 0.0, host_interval_ms + 0.0, limit, version
    )
