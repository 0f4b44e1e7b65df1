"""The stored copy of an origin's robots.txt: the text, and the failure of the last attempt to get it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import orjson

from fetcher.settings import RobotsSettings
from thrift_idl.errors import AragogError, restore

VERSION = 1


@dataclass(frozen=True, slots=True)
class RobotsCopy:
    """One origin's robots.txt as last seen. Times are wall clock, ms since 1970; 0 = never."""

    origin: str
    """The deciding one (`weburl.deciding_origin`)."""
    content: bytes = b""
    """As served, decoded, cut at the limit; empty where everything is allowed."""
    fetched_ms: int = 0
    """When an answer last said what is allowed: a file, or a 4xx that allows all."""
    failed_until_ms: int = 0
    """Until then a failed attempt isn't repeated."""
    failure: tuple[str, str, str] = ("", "", "")
    """Family, code and message of that failure."""
    etag: str = ""
    last_modified: str = ""
    """Validators of the content, for asking whether it still holds (RFC 9110 13.1); "" = none."""


class State(Enum):
    """What a copy is good for."""

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


def state_of(copy: RobotsCopy | None, now_ms: int, settings: RobotsSettings) -> State:
    """What `copy` is good for at `now_ms`. A copy from the future (a clock was set back) counts as just fetched."""
    if copy is None:
        return State.MISSING
    age_ms = now_ms - copy.fetched_ms if copy.fetched_ms else None
    if age_ms is not None and age_ms < settings.max_age_ms:
        return State.FRESH
    usable = age_ms is not None and age_ms < settings.max_age_ms + settings.stale_ms
    # The bound on the remembered time keeps a clock that was set back from blocking an origin.
    if now_ms < copy.failed_until_ms <= now_ms + settings.failure_ms:
        return State.STANDING_IN if usable else State.FAILED
    return State.STALE if usable else State.MISSING


def failed(
    origin: str, stale: RobotsCopy | None, error: AragogError, now_ms: int, settings: RobotsSettings
) -> RobotsCopy:
    """The copy after a failed fetch: what was known stays."""
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
    """The copy after its origin said that it still holds (304): as if just fetched."""
    return replace(stale, fetched_ms=now_ms, failed_until_ms=0, failure=("", "", ""))


def remembered(copy: RobotsCopy, now_ms: int) -> AragogError:
    """The failure that `copy` remembers, to be raised again; it says how long it still holds."""
    family, code, message = copy.failure
    return restore(family, code, message, max(1, copy.failed_until_ms - now_ms), {})


def pack_copy(copy: RobotsCopy) -> bytes:
    """One line of JSON, then the content as it is."""
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
    """What `pack_copy` wrote; None for rubbish and for newer versions: in a cache, both are a miss."""
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
