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
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from runtime.host_port import split
from runtime.invalid_field import invalid_field
from runtime.text_file import read_text, refusal

SKEW_MS: Final = 500
_MIN_SKEW_MS: Final = 20
_MAX_SKEW_MS: Final = 60_000
_MAX_VERSION: Final = 2**53
_MAX_SHARDS: Final = 1_000
_MAX_FILE_BYTES: Final = 1024 * 1024


class LimiterShard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One limiter of the pool."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}\Z")]
    address: str


class Membership(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shards of the pool, and the version of that list."""

    version: Annotated[int, Meta(ge=1, le=_MAX_VERSION)]
    shards: Annotated[tuple[LimiterShard, ...], Meta(min_length=1, max_length=_MAX_SHARDS)]
    skew_ms: Annotated[int, Meta(ge=_MIN_SKEW_MS, le=_MAX_SKEW_MS)] = SKEW_MS


_SHARDS: Final = f"shards must be 1 to {_MAX_SHARDS} tables: [[shards]] with name and address"
_WANTED: Final[Mapping[str, str]] = {
    "version": f"a whole number from 1 to {_MAX_VERSION}",
    "skew_ms": f"a whole number from {_MIN_SKEW_MS} to {_MAX_SKEW_MS}",
    "name": "lower-case letters, digits, . _ or -",
    "address": "host:port",
}
"""The value that a key must have: the library names the type and one bound, this what an operator has to write."""


def read_membership(path: Path) -> Membership:
    """Read and check the file; blocks. Raises `BadConfiguration` naming file and reason."""
    return parse_membership(read_text(path, _MAX_FILE_BYTES), str(path))


def parse_membership(text: str, file: str) -> Membership:
    """The membership that the text describes. Raises `BadConfiguration`."""
    try:
        document = tomllib.loads(text)
        membership = msgspec.convert(document, Membership)
    except tomllib.TOMLDecodeError as error:
        raise refusal(file, str(error)) from None
    except msgspec.ValidationError as error:
        raise refusal(file, _complaint(document, error)) from None
    for number, shard in enumerate(membership.shards, 1):
        if split(shard.address) is None:  # a pattern can't compare numbers
            raise refusal(file, f"shard {number}: address must be {_WANTED['address']}, not {shard.address!r}")
    for what in ("name", "address"):
        if len({getattr(shard, what) for shard in membership.shards}) < len(membership.shards):
            raise refusal(file, f"two shards have the same {what}")
    return membership


def _complaint(document: dict[str, Any], error: msgspec.ValidationError) -> str:
    """The message for the operator: the shard's number, its key and value."""
    found = invalid_field(error)
    key = found.place or found.named
    shard = re.fullmatch(r"shards\[(\d+)\]\.?(\w*)", key)
    if shard is not None:
        index, of_shard = int(shard[1]), shard[2]
        if not of_shard:
            return f"shard {index + 1}: a shard has a name and an address, nothing else"
        value = document["shards"][index][of_shard]
        return f"shard {index + 1}: {of_shard} must be {_WANTED[of_shard]}, not {value!r}"
    if key == "shards":
        return _SHARDS
    if key not in ("version", "skew_ms"):
        return f'unknown key "{key}"; known: version, skew_ms, [[shards]]'
    return f"{key} must be {_WANTED[key]}, not {document.get(key)!r}"
