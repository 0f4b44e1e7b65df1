"""The membership file, which names the shards. TOML in, `Membership` out.

version = 3                      # one more than before, at every change
skew_ms = 500                    # every shard and client sees a change within this time

[[shards]]
name = "a"
address = "10.0.0.1:9102"

Replace the file as a whole (write beside it, rename): a shard that reads half a file grants nothing until it is whole.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runtime.host_port import split
from runtime.text_file import read_text, refusal

SKEW_MS: Final = 500
_MIN_SKEW_MS: Final = 20
_MAX_SKEW_MS: Final = 60_000
_MAX_SHARDS: Final = 1_000
_MAX_FILE_BYTES: Final = 1024 * 1024
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LimiterShard:
    """One limiter of the pool."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The shards of the pool, and the version of that list."""

    version: int
    shards: tuple[LimiterShard, ...]
    skew_ms: int = SKEW_MS


def read_membership(path: Path) -> Membership:
    """Read and check the file; blocks. Raises `BadConfiguration` naming file and reason."""
    return parse_membership(read_text(path, _MAX_FILE_BYTES), str(path))


def parse_membership(text: str, file: str) -> Membership:
    """The membership that the text describes. Raises `BadConfiguration`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refusal(file, str(error)) from None
    if unknown := sorted(set(document) - {"version", "skew_ms", "shards"}):
        raise refusal(file, f'unknown key "{unknown[0]}"; known: version, skew_ms, [[shards]]')
    version = _whole(file, document, "version", 1, 2**53)
    skew_ms = _whole(file, {"skew_ms": SKEW_MS, **document}, "skew_ms", _MIN_SKEW_MS, _MAX_SKEW_MS)
    entries = document.get("shards")
    if not isinstance(entries, list) or not 0 < len(entries) <= _MAX_SHARDS:
        raise refusal(file, f"shards must be 1 to {_MAX_SHARDS} tables: [[shards]] with name and address")
    shards = tuple(_shard(file, number, entry) for number, entry in enumerate(entries, 1))
    for what in ("name", "address"):
        if len({getattr(shard, what) for shard in shards}) < len(shards):
            raise refusal(file, f"two shards have the same {what}")
    return Membership(version, shards, skew_ms)


def _shard(file: str, number: int, entry: Any) -> LimiterShard:
    if not isinstance(entry, dict) or set(entry) != {"name", "address"}:
        raise refusal(file, f"shard {number}: a shard has a name and an address, nothing else")
    name, address = entry["name"], entry["address"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refusal(file, f"shard {number}: name must be lower-case letters, digits, . _ or -, not {name!r}")
    if not isinstance(address, str) or split(address) is None:
        raise refusal(file, f"shard {number}: address must be host:port, not {address!r}")
    return LimiterShard(name, address)


def _whole(file: str, document: dict[str, Any], key: str, least: int, most: int) -> int:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise refusal(file, f"{key} must be a whole number from {least} to {most}, not {value!r}")
    return value
