"""The access log of a site that we fetched from, unchanged: nginx or Apache combined, or JSON lines. Pure.

- combined: `192.0.2.1 - - [22/Nov/2026:03:38:25 +0000] "GET / HTTP/1.1" 200 512 "-" "Aragog/0.1"`, to the second;
  a host before the address (`vhost_combined`) names the host
- with milliseconds: nginx's `$msec` (1790000000.123) in the brackets or as the line's last field; or `$time_iso8601`
- JSON lines with `host`, `user_agent`, and `t_ms` (ms since 1970) or `msec` (seconds); `aragog testweb` writes these

In nginx, times are those when the line was written: after the answer.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from weburl import deciding_form

MAX_LINE_BYTES: Final = 65_536
_DISORDER: Final = 20_000  # lines are written when answers end: a long answer comes after later requests
_COMBINED: Final = re.compile(
    r'(?:(?P<vhost>[^\s:]+)(?::\d+)? )?\S+ \S+ \S+ \[(?P<time>[^\]]{1,64})\] "(?:[^"\\]|\\.)*" \d{3} \S+'
    r'(?: "(?:[^"\\]|\\.)*" "(?P<agent>(?:[^"\\]|\\.)*)")?(?P<rest>.*)'
)
_PORT: Final = re.compile(r":\d*\Z")
_SECONDS: Final = re.compile(r"\d{9,11}\.\d{1,9}")


class SiteAccess(NamedTuple):
    """One request as its site logged it."""

    t_ms: float
    """Wall clock of the site, since 1970."""
    host: str
    """In its deciding form; "" = the line doesn't have it."""
    agent: str
    exact: bool
    """False: only to the second."""


@dataclass(slots=True)
class Reading:
    """The counts of the log's lines."""

    lines: int = 0
    unreadable: int = 0
    others: int = 0
    """Lines of other user agents."""
    requests: int = 0
    to_the_second: int = 0


def accesses(lines: Iterable[bytes], agent: str, host: str, reading: Reading) -> Iterator[SiteAccess]:
    """Our requests in the log, in order of time: those whose user agent contains `agent`, in any case.

    `host` applies to lines which name none. A line out of order by more than 20,000 others stays out of order.
    """
    wanted, waiting = agent.lower(), list[tuple[float, int, SiteAccess]]()
    for text in lines:
        reading.lines += 1
        access = read_access(text, host)
        if access is None:
            reading.unreadable += bool(text.strip())
        elif wanted not in access.agent.lower():
            reading.others += 1
        else:
            reading.requests += 1
            reading.to_the_second += not access.exact
            heapq.heappush(waiting, (access.t_ms, reading.lines, access))
            if len(waiting) > _DISORDER:
                yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def read_access(line: bytes, host: str = "") -> SiteAccess | None:
    """One line of any of the formats; None = of none of them."""
    if len(line) > MAX_LINE_BYTES:
        return None
    if line.lstrip().startswith(b"{"):
        return _of_json(line, host)
    found = _COMBINED.match(line.decode("utf-8", "replace").strip())
    if not found:
        return None
    t_ms, exact = _time(found["time"])
    last = found["rest"].rpartition(" ")[2].strip('"')
    if _SECONDS.fullmatch(last):
        t_ms, exact = float(last) * 1000, True
    return (
        None if t_ms is None else SiteAccess(t_ms, deciding_form(found["vhost"] or host), found["agent"] or "", exact)
    )


def _of_json(line: bytes, host: str) -> SiteAccess | None:
    try:
        value: Any = orjson.loads(line)
        t_ms = float(value["t_ms"] if "t_ms" in value else float(value["msec"]) * 1000)
        agent = value.get("user_agent", value.get("http_user_agent", ""))
        return SiteAccess(t_ms, _without_port(str(value.get("host", host))), str(agent), True)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _without_port(host: str) -> str:
    return deciding_form(_PORT.sub("", host))


def _time(text: str) -> tuple[float | None, bool]:
    """Milliseconds since 1970, and True if the text has them."""
    if _SECONDS.fullmatch(text):
        return float(text) * 1000, True
    for read in (_apache, datetime.fromisoformat):
        try:
            time = read(text)
        except ValueError:
            continue
        exact = bool(time.microsecond)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000, exact
    return None, False


_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec "
_APACHE: Final = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d:\d\d:\d\d(?:\.\d{1,6})?) ([+-]\d\d)(\d\d)")


def _apache(text: str) -> datetime:
    """The time of a combined log line; `strptime` would take ten times as long."""
    found = _APACHE.fullmatch(text)
    if not found or f"{found[2]} " not in _MONTHS:
        raise ValueError(text)
    day, month, year, clock, hours, minutes = found.groups()
    return datetime.fromisoformat(f"{year}-{_MONTHS.index(month) // 4 + 1:02}-{day}T{clock}{hours}:{minutes}")
