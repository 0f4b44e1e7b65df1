"""The reader of a robots.txt: its lines and its groups. Pure.

RFC 9309, and where it leaves a choice, the behaviour of Google's parser: a missing colon, misspelt fields and fields
that only begin like a known one (`Disallowed`, `Sitemaps`), a product token followed by more. Lines that don't concern
groups (sitemaps, crawl delays, unknown ones) never end a group's header.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from runtime.durations import DAY_MS

_LONGEST_LINE = 16_663  # bytes; the rest is cut off, as by Google
_MARK = re.compile(rb"\A\xef(?:\xbb\xbf?)?")
_SHORTEST_LINE = len("allow:")
_LONGEST_DELAY_MS = DAY_MS
_DISALLOW = ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw", "desallow")
_AGENT = ("user-agent", "useragent", "user agent", "useg-agent")
_DELAY = ("crawl-delay", "crawldelay", "crawl delay")
_BEGINNINGS = {
    "disallow": _DISALLOW,
    "allow": ("allow",),
    "user-agent": _AGENT,
    "sitemap": ("sitemap", "site-map"),
    "crawl-delay": _DELAY,
}
# A product token has letters, "_" and "-" (RFC 9309 2.2.1); sites and crawlers use digits as well.
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"\d{1,9}(?:\.\d*)?|\.\d+")


class RobotsLine(NamedTuple):
    """One line with a known field."""

    number: int
    """As in the file, from 1."""
    kind: str
    """user-agent, allow, disallow, crawl-delay, sitemap."""
    value: str


@dataclass(frozen=True, slots=True)
class Group:
    """All rules for one product token, in the file's order; groups of the same token are one (RFC 9309 2.2.1)."""

    agent: str
    """As the file writes it; "" = no group applies."""
    rules: tuple[RobotsLine, ...] = ()
    crawl_delay_ms: int | None = None


def lines_of(content: bytes) -> Iterator[RobotsLine]:
    """The lines with a known field. Bytes that are no UTF-8 stay, as surrogates; a NUL ends a line."""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        content = content.decode("utf-16", "replace").encode()
    ended = _without_mark(content).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for number, raw in enumerate(ended.split(b"\n"), 1):
        if len(raw) >= _SHORTEST_LINE:
            text = raw[:_LONGEST_LINE].decode("utf-8", "surrogateescape").partition("#")[0].strip(" \t\0\f\v")
            field, value = _split(text.partition("\0")[0])
            if kind := _kind(field.lower()):
                yield RobotsLine(number, kind, value)


def _without_mark(content: bytes) -> bytes:
    """The content without the byte order mark of UTF-8, or the part of it that is there."""
    return _MARK.sub(b"", content, count=1)


def _kind(field: str) -> str:
    """The meaning of a field in lower case; "" for an unknown one."""
    for kind, beginnings in _BEGINNINGS.items():
        if field.startswith(beginnings):
            return kind
    return ""


def _split(text: str) -> tuple[str, str]:
    """Field and value; a missing colon is accepted if white space separates just two words."""
    field, colon, value = text.partition(":")
    if colon:
        return field.strip(), value.strip()
    words = text.split()
    return (words[0], words[1]) if len(words) == 2 else ("", "")


def group_for(lines: Sequence[RobotsLine], token: str) -> Group:
    """The group that applies to product `token`: its own, else that of `*`, else none."""
    grouping = _Grouping(token.lower())
    for line in lines:
        if line.kind == "user-agent":
            grouping.name(line)
        elif line.kind != "sitemap":
            grouping.add(line)
    return grouping.group()


class _Grouping:
    """Rules belong to all agents named since the last rule, a crawl delay only to those named right before it."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._lines: dict[str, list[RobotsLine]] = {}
        self._written: dict[str, str] = {}
        self._ruled: set[str] = set()
        self._delayed: set[str] = set()
        self._last_kind = ""
        self._in_rules = False

    def name(self, line: RobotsLine) -> None:
        """A User-agent line; agents that are not ours only end what was before them."""
        if self._in_rules:
            self._ruled = set()
        if self._last_kind != "user-agent":
            self._delayed = set()
        self._last_kind, self._in_rules = line.kind, False
        agent = agent_of(line.value)
        if agent in (self._wanted, "*"):
            self._ruled.add(agent)
            self._delayed.add(agent)
            self._written.setdefault(agent, line.value)
            self._lines.setdefault(agent, [])

    def add(self, line: RobotsLine) -> None:
        """A rule or a crawl delay."""
        is_delay = line.kind == "crawl-delay"
        self._last_kind, self._in_rules = line.kind, self._in_rules or not is_delay
        for agent in self._delayed if is_delay else self._ruled:
            self._lines[agent].append(line)

    def group(self) -> Group:
        """The rules gathered for the token, or for `*`."""
        chosen = self._wanted if self._wanted in self._lines else "*"
        return _group(self._written[chosen], self._lines[chosen]) if chosen in self._lines else Group("")


def agent_of(value: str) -> str:
    """The product token that a User-agent line names, lower case: `*`, or the letters at its beginning."""
    if value == "*" or (value[:1] == "*" and value[1:2].isspace()):
        return "*"
    found = _TOKEN.match(value)
    return found[0].lower() if found else ""


def _group(agent: str, lines: Sequence[RobotsLine]) -> Group:
    rules = tuple(line for line in lines if line.kind in ("allow", "disallow") and line.value)
    delays = [_delay_ms(line.value) for line in lines if line.kind == "crawl-delay"]
    return Group(agent[:100], rules, max((delay for delay in delays if delay is not None), default=None))


def _delay_ms(value: str) -> int | None:
    """Seconds, perhaps with a fraction, as milliseconds, at most a day; None for anything else."""
    if not _NUMBER.fullmatch(value):
        return None
    return min(int(float(value) * 1000), _LONGEST_DELAY_MS)
