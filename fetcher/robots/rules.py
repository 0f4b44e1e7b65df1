"""The rules of one robots.txt, compiled for our product token: protego decides, our own reading names the line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from protego import Protego

from fetcher.robots.patterns import matches, path_text, pattern_text
from fetcher.robots.reading import Group, Line, group_for, lines_of
from thrift_idl.gen.fetcher.ttypes import RobotsVerdict

_NO_LINE = Line(0, "", "")
_AGENT = "us"  # the mended text has one group, and this is its name
_BEGINNING = re.compile(r"[*$]")
_INDEX = "/index.html"
# To protego, a pattern that ends in `$` also means that character: written otherwise, it doesn't.
_DOLLAR = ("%24", "%01")
_MOST_SITEMAPS = 100
_LONGEST_SITEMAP = 2_048


@dataclass(frozen=True, slots=True)
class _Rule:
    line: Line
    pattern: str
    beginning: str
    """The pattern up to its first special character: a path that begins otherwise can't match."""

    @property
    def rank(self) -> tuple[int, bool]:
        """The longest pattern wins, allow wins a tie (RFC 9309 2.2.2)."""
        return len(self.pattern), self.line.kind == "allow"


class Rules:
    """What one file says to us. Compiling 500 KB takes 0.4 s and a verdict on it 16 ms: not on the event loop."""

    def __init__(self, content: bytes, token: str) -> None:
        lines = list(lines_of(content))
        self._group = group_for(lines, token)
        named = (line.value for line in lines if line.kind == "sitemap" and len(line.value) <= _LONGEST_SITEMAP)
        self.sitemaps = tuple(dict.fromkeys(named))[:_MOST_SITEMAPS]
        """As the file writes them: they concern all agents (https://www.sitemaps.org/protocol.html)."""
        self._rules = _ranked(self._group)
        self.wildcards = sum("*" in rule.pattern for rule in self._rules)
        """Rules that are searched for in a path, each anew."""
        self._beginnings = tuple({rule.beginning for rule in self._rules})
        self.cost = sum(_cost(rule.pattern) for rule in self._rules)
        """Bytes that all this takes, about; the content itself isn't part of it."""
        self._protego = Protego.parse(mended(self._group))
        self._version = sha256(content).hexdigest()[:16] if content else ""
        self.size = len(content)
        self._unruled = self._named(True, _NO_LINE)

    def verdict(self, target: str) -> tuple[RobotsVerdict, bool]:
        """The verdict on a path and query; and whether our own reading agrees with protego's decision."""
        if target == "/robots.txt":
            return RobotsVerdict(allowed=True, version=self._version, group=self._group.agent), True
        path = path_text(target)
        allowed = bool(self._protego.can_fetch(path_for_protego(path), _AGENT))
        deciding = self._deciding(path)
        ours = deciding is None or deciding.kind == "allow"
        if deciding is None and allowed:
            return self._unruled, True
        if deciding is None or ours != allowed:
            deciding = _NO_LINE
        return self._named(allowed, deciding), ours == allowed

    def _deciding(self, path: str) -> Line | None:
        """The strongest rule that matches."""
        if not path.startswith(self._beginnings):  # most paths match no rule, and one look tells
            return None
        for rule in self._rules:
            if path.startswith(rule.beginning) and matches(rule.pattern, path):
                return rule.line
        return None

    def _named(self, allowed: bool, line: Line) -> RobotsVerdict:
        rule = f"{line.kind}: {line.value}" if line.number else ""
        return RobotsVerdict(
            allowed=allowed,
            line=line.number,
            rule=rule.encode("utf-8", "replace").decode()[:500],
            group=self._group.agent.encode("utf-8", "replace").decode(),
            version=self._version,
            crawl_delay_ms=self._group.crawl_delay_ms,
        )


def _ranked(group: Group) -> list[_Rule]:
    """Rules, the strongest first; `/index.html` allowed is its folder allowed, as with Google and protego."""
    rules = [_rule(line, pattern_text(line.value)) for line in group.rules]
    folders = [
        _rule(rule.line, rule.pattern.removesuffix(_INDEX) + "/$")
        for rule in rules
        if rule.line.kind == "allow" and rule.pattern.endswith(_INDEX)
    ]
    return sorted(rules + folders, key=lambda rule: rule.rank, reverse=True)


def _rule(line: Line, pattern: str) -> _Rule:
    return _Rule(line, pattern, _BEGINNING.split(pattern, maxsplit=1)[0])


def _cost(pattern: str) -> int:
    """As measured: protego's rules and ours; a `$` makes two patterns of protego's, and parts are kept of a `*`."""
    special = 400 if "*" in pattern else 0
    return (600 + special) * (2 if "$" in pattern else 1) + 6 * len(pattern)


def mended(group: Group) -> str:
    """The group as protego reads it without fail: one agent, known fields, colons, escaped patterns."""
    rules = [f"{line.kind}: {pattern_text(line.value).replace(*_DOLLAR)}" for line in group.rules]
    return "\n".join([f"user-agent: {_AGENT}", *rules])


def path_for_protego(path: str) -> str:
    """A URL with this path; its own parsing of a bare `//x` would take x for a host."""
    return f"http://h{path.replace(*_DOLLAR)}"
