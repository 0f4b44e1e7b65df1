"""The copies of robots.txt that are kept: what a copy is good for, the caches of copies, and the compiled rules.

A copy is the text of an origin and the failure of the last attempt to get it. Caches of copies are shared and outlive
the process; they may forget anything. Compiled rules are kept in this process, those used last, within a bound on
memory. Most files take less than 64 KiB. Larger ones, which a hostile site may create, share an eighth of the memory,
so that they push out each other and not the rules of other sites.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

import orjson
from cachetools import FIFOCache

from fetcher.robots.rules import RobotsRules
from fetcher.settings import KIB, RobotsSettings
from runtime.bounded_cache import ByteBoundedCache
from runtime.clock import Clock
from thrift_idl.errors import AragogError, restore

VERSION = 1


@dataclass(frozen=True, slots=True)
class RobotsCopy:
    """One origin's robots.txt as last seen. Times are wall clock, ms since 1970; 0 = never."""

    origin: str
    """The deciding one (`weburl.deciding_origin`)."""
    content: bytes = b""
    """As served, decoded, cut at the limit; empty if everything is allowed."""
    fetched_ms: int = 0
    """The time of the last valid answer: a file, or a 4xx that allows all."""
    failed_until_ms: int = 0
    """Until then a failed attempt isn't repeated."""
    failure: tuple[str, str, str] = ("", "", "")
    """Family, code and message of that failure."""
    etag: str = ""
    last_modified: str = ""
    """Validators of the content, to ask if it is still current (RFC 9110 13.1); "" = none."""


class CopyState(Enum):
    """The use of a copy."""

    FRESH = "fresh"
    """Its rules decide."""
    STALE = "stale"
    """Fetch; if the origin can't be reached, its rules still decide."""
    STANDING_IN = "standing_in"
    """The last fetch failed a moment ago: its stale rules decide, nothing is fetched."""
    FAILED = "failed"
    """The last fetch failed a moment ago and there are no rules: nothing is fetched."""
    MISSING = "missing"
    """Fetch."""


def state_of(copy: RobotsCopy | None, now_ms: int, settings: RobotsSettings) -> CopyState:
    """The use of `copy` at `now_ms`. A copy from the future (a clock was set back) counts as just fetched."""
    if copy is None:
        return CopyState.MISSING
    age_ms = now_ms - copy.fetched_ms if copy.fetched_ms else None
    if age_ms is not None and age_ms < settings.max_age_ms:
        return CopyState.FRESH
    usable = age_ms is not None and age_ms < settings.max_age_ms + settings.stale_ms
    # The bound on the remembered time prevents a clock that was set back from blocking an origin.
    if now_ms < copy.failed_until_ms <= now_ms + settings.failure_ms:
        return CopyState.STANDING_IN if usable else CopyState.FAILED
    return CopyState.STALE if usable else CopyState.MISSING


def failed(
    origin: str, stale: RobotsCopy | None, error: AragogError, now_ms: int, settings: RobotsSettings
) -> RobotsCopy:
    """The copy after a failed fetch: its earlier content stays."""
    delay_ms = min(error.delay_ms or settings.failure_ms, settings.failure_ms)
    return RobotsCopy(
        origin,
        stale.content if stale else b"",
        stale.fetched_ms if stale else 0,
        now_ms + delay_ms,
        (error.family, error.code, error.message[:500]),
        stale.etag if stale else "",
        stale.last_modified if stale else "",
    )


def renewed(stale: RobotsCopy, now_ms: int) -> RobotsCopy:
    """The copy after its origin confirmed it (304): like just fetched."""
    return replace(stale, fetched_ms=now_ms, failed_until_ms=0, failure=("", "", ""))


def remembered_failure(copy: RobotsCopy, now_ms: int) -> AragogError:
    """The failure that `copy` remembers, to be raised again, with the time for which it is still valid."""
    family, code, message = copy.failure
    return restore(family, code, message, max(1, copy.failed_until_ms - now_ms), {})


def pack_copy(copy: RobotsCopy) -> bytes:
    """One line of JSON, then the unchanged content."""
    head = {
        "version": VERSION,
        "origin": copy.origin,
        "fetched_ms": copy.fetched_ms,
        "failed_until_ms": copy.failed_until_ms,
        "failure": copy.failure,
        "etag": copy.etag,
        "last_modified": copy.last_modified,
    }
    return orjson.dumps(head) + b"\n" + copy.content


def unpack_copy(packed: bytes) -> RobotsCopy | None:
    """The copy that `pack_copy` wrote; None for invalid bytes and for newer versions: in a cache, both are a miss."""
    head, _, content = packed.partition(b"\n")
    try:
        fields = orjson.loads(head)
        if fields["version"] != VERSION:
            return None
        family, code, message = fields["failure"]
        return RobotsCopy(
            str(fields["origin"]),
            content,
            int(fields["fetched_ms"]),
            int(fields["failed_until_ms"]),
            (str(family), str(code), str(message)),
            str(fields.get("etag", "")),
            str(fields.get("last_modified", "")),
        )
    except (ValueError, KeyError, TypeError):
        return None


class RobotsCache(Protocol):
    """A cache: it may forget anything, any time. Raises `BackendDown` if it can't be asked."""

    async def get(self, origin: str) -> RobotsCopy | None:
        """The copy last put for `origin`, unless it was forgotten."""

    async def put(self, copy: RobotsCopy, keep_ms: int) -> None:
        """Keep `copy` for at most `keep_ms`, instead of any earlier one of its origin."""

    async def close(self) -> None:
        """Release the engine."""


class MemoryRobotsCache:
    """In this process, bounded by number: for tests, and for runs that leave no data."""

    def __init__(self, most: int = 10_000, clock: Clock | None = None) -> None:
        self._now_ms = (clock or Clock()).now_ms
        self._copies: FIFOCache[str, tuple[RobotsCopy, float]] = FIFOCache(most)

    async def get(self, origin: str) -> RobotsCopy | None:
        """The copy last put for `origin`, unless it was forgotten."""
        copy, until_ms = self._copies.get(origin, (None, 0.0))
        return copy if self._now_ms() < until_ms else None

    async def put(self, copy: RobotsCopy, keep_ms: int) -> None:
        """Keep `copy` for at most `keep_ms`."""
        self._copies[copy.origin] = (copy, self._now_ms() + keep_ms)

    async def close(self) -> None:
        """Nothing to release."""


LARGE = 64 * KIB
_OBJECTS = KIB


@dataclass(frozen=True, slots=True)
class Compiled:
    """A copy and its compiled rules for us."""

    copy: RobotsCopy
    rules: RobotsRules

    @property
    def cost(self) -> int:
        """Bytes held, about."""
        return _OBJECTS + len(self.copy.content) + self.rules.cost


_Shelf = ByteBoundedCache[str, Compiled]


def _cost(compiled: Compiled) -> int:
    return compiled.cost


class CompiledRules:
    """Compiled rules by origin."""

    def __init__(self, most_bytes: int) -> None:
        self._small: _Shelf = ByteBoundedCache(most_bytes - most_bytes // 8, _cost)
        self._large: _Shelf = ByteBoundedCache(most_bytes // 8, _cost)

    @property
    def bytes(self) -> int:
        """Memory in use, approximately."""
        return self._small.bytes + self._large.bytes

    def get(self, origin: str) -> Compiled | None:
        """The compiled copy of `origin`; it counts as used."""
        return self._small.get(origin) or self._large.get(origin)

    def keep(self, compiled: Compiled) -> None:
        """Keep it in place of its origin's earlier one; forget others beyond the bound, the longest unused first."""
        self._small.drop(compiled.copy.origin)
        self._large.drop(compiled.copy.origin)
        (self._large if compiled.cost > LARGE else self._small).put(compiled.copy.origin, compiled)
