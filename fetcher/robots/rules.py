"""The rules of one robots.txt: compiled for our product token, compared with paths, bounded in cost. Pure.

Sources: RFC 9309 2.2.2 and 2.2.3, and where these leave a choice, Google's parser. Rules and paths are compared in one
spelling, ASCII, in which each octet is written in one way:

- an escape of an unreserved character (RFC 3986 2.3) is decoded, any other stays, in upper case;
- what a URL can't hold as it is (spaces, non-ASCII) is escaped;
- a reserved character and its escape are different, `&` and `%26`, `?` and `%3F`: one delimits, the other doesn't;
- a `%` that begins no escape stays as it is. Nothing after it is decoded, so that they don't become an escape together.

Two exceptions give a rule a second text. `%2A` and `%24` are how a rule writes a literal `*` and `$` (RFC 9309
2.2.3), so they stand for these characters, too. And `'` stands for `%27`, too, which browsers and we send for it in a
query (WHATWG URL). The weight of a rule is the number of its octets as written, before any of that.

Rules without wildcards are looked up: any number of them costs nothing. A rule with wildcards is compared only if its
mark occurs in the path: four octets that few other rules have. In files that people wrote this leaves a few rules. In a
file that makes all of them occur, the bound on steps ends the search. Beyond a bound a URL is taken as disallowed, and
its verdict has a flag. A file that people wrote stays far below: 500 KiB hold 40,000 rules only if a rule and its field
take 12 octets. Costs are counted, not timed, so that a verdict is the same on every machine and every day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from fetcher.robots.reading import Group, RobotsLine, group_for, lines_of
from thrift_idl.errors import RobotsDenied
from thrift_idl.gen.fetcher.ttypes import RobotsVerdict

MOST_RULES = 40_000
"""Rules of the group that applies to us."""
MOST_WILDCARDS = 100_000
"""`*` in these rules, as written."""
MOST_STEPS = 2_000_000
"""Steps of one verdict; near 10 ms."""
QUICK_STEPS = 100_000
"""Steps of a verdict that is made without leaving the event loop; near half a millisecond."""

TOO_MANY_RULES = "too_many_rules"
TOO_MANY_WILDCARDS = "too_many_wildcards"
TOO_MANY_STEPS = "too_many_steps"

_TOLD = {
    TOO_MANY_RULES: f"the file has more than {MOST_RULES:,} rules for us",
    TOO_MANY_WILDCARDS: f"the file has more than {MOST_WILDCARDS:,} wildcards in its rules for us",
    TOO_MANY_STEPS: f"comparing the URL with the file's wildcards takes more than {MOST_STEPS:,} steps",
}
# A search costs about 50 steps to begin. Each octet that it examines may have to be compared with a part of the
# text searched for; 16 octets of that take as long as a step.
_SEARCH = 50
_AT_ONCE = 16


def told(flag: str) -> str:
    """A sentence on the reason why a verdict with `flag` forbids, for people."""
    return f"{_TOLD.get(flag, flag)}: beyond that bound a URL is taken as disallowed ({flag})"


class StepsSpentError(Exception):
    """A verdict takes more steps than allowed."""


class StepCount:
    """The steps taken by one verdict, of those that it may take."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        self.taken = 0
        self._most = most

    def take(self, octets: int, sought: int) -> None:
        """Take the steps of a search in `octets` for a text of `sought` octets, at worst. Raises `StepsSpentError`."""
        self.taken += _SEARCH + max(0, octets) * (1 + sought // _AT_ONCE)
        if self.taken > self._most:
            raise StepsSpentError


_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SAME = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]*")
_KEPT = ":/?#[]@!$&'()*+,;=%"
# An escape, kept apart after a stray percent sign, with which it could form another one.
_ESCAPE = re.compile(rb"(?<!%)(?<!%[0-9A-Fa-f])%([0-9A-Fa-f]{2})|%[0-9A-Fa-f]{2}")
_SECOND = {"%2A": "*", "%24": "$", "'": "%27"}
_TO_READ_TWICE = re.compile("|".join(map(re.escape, _SECOND)))


class RobotsPattern(NamedTuple):
    """A rule's pattern of paths."""

    parts: tuple[str, ...]
    """The texts between wildcards, in the common spelling: the first begins the path, the others follow in order."""
    anchored: bool
    """The path ends with the last part."""

    def matches(self, path: str, steps: StepCount) -> bool:
        """True if it, which has a wildcard, matches `path`, in the common spelling. Raises `StepsSpentError`."""
        steps.take(0, 0)
        first, last = self.parts[0], self.parts[-1]
        if not path.startswith(first):
            return False
        at, end = len(first), len(path)
        if self.anchored:
            end -= len(last)
            if not path.endswith(last):
                return False
        for part in self.parts[1:-1] if self.anchored else self.parts[1:]:
            found = path.find(part, at, end)
            steps.take((end if found < 0 else found) - at, len(part))
            if found < 0:
                return False
            at = found + len(part)
        return at <= end


def patterns_of(value: str) -> tuple[RobotsPattern, ...]:
    """The patterns of a rule's value: one, or two if the value can be read in two ways."""
    text, anchored = written(value.removesuffix("$")), value.endswith("$")
    first = _pattern(text.split("*"), anchored)
    if not _TO_READ_TWICE.search(text):
        return (first,)
    second = tuple(_TO_READ_TWICE.sub(lambda found: _SECOND[found[0]], part) for part in first.parts)
    return first, RobotsPattern(second, first.anchored)


def _pattern(parts: list[str], anchored: bool) -> RobotsPattern:
    """The pattern without wildcards that change nothing: those beside another one, and a last one."""
    first, *others = parts
    return RobotsPattern((first, *filter(None, others)), anchored and (not others or bool(others[-1])))


def path_text(target: str) -> str:
    """Path and query of a request, in the common spelling."""
    return written(target) or "/"


def written(text: str) -> str:
    """`text` in the common spelling, its wildcards unchanged."""
    if _SAME.fullmatch(text):
        return text
    octets = text.encode("utf-8", "surrogateescape")
    return quote(_ESCAPE.sub(_rewritten, octets) if b"%" in octets else octets, safe=_KEPT)


def _rewritten(escape: re.Match[bytes]) -> bytes:
    if escape[1] and (octet := int(escape[1], 16)) in _UNRESERVED:
        return bytes((octet,))
    return escape[0].upper()


def weight(value: str) -> int:
    """The weight of a rule: its octets as written; those beyond ASCII count as their escapes, three each.

    Google's parser counts so: it escapes just these before.
    """
    return len(value) if value.isascii() else sum(1 if o < 128 else 3 for o in value.encode("utf-8", "surrogateescape"))


_MARK = 4
_MOST_MARKS = 12
_NUMBERS = 1 << 20
_INDEX_PAGE = "/index.htm"


class RuleIndex:
    """Rules, found by paths. At most a million."""

    def __init__(self, rules: Sequence[RobotsLine]) -> None:
        # Each rule by its strength: one number, which also identifies the rule. The strongest of equal meaning is kept.
        self._beginnings: dict[str, int] = {}
        self._wholes: dict[str, int] = {}
        searched: list[tuple[int, RobotsPattern]] = []
        for number, rule in enumerate(rules):
            for strength, pattern in _meanings(number, rule):
                if len(pattern.parts) > 1:
                    searched.append((strength, pattern))
                    continue
                plain, text = self._wholes if pattern.anchored else self._beginnings, pattern.parts[0]
                plain[text] = max(strength, plain.get(text, 0))
        self._lengths = tuple(sorted({len(text) for text in self._beginnings}))
        self._searched = tuple(sorted(searched, reverse=True))
        self._marked: dict[str, list[int]] = {}
        for place, (_, pattern) in enumerate(self._searched):
            rarest = min(_marks(pattern), key=lambda mark: len(self._marked.get(mark, ())))
            self._marked.setdefault(rarest, []).append(place)
        self._mark_lengths = tuple({len(mark) for mark in self._marked})

    def deciding(self, path: str, steps: StepCount) -> int | None:
        """The number of the rule that decides on `path`, a text of patterns.py; None if no rule matches.

        The longest rule as written decides, of equal ones an allowing one, of these the file's first (RFC 9309 2.2.2).
        Raises `StepsSpentError`.
        """
        strongest = max(self._looked_up(path), default=0)
        for place in sorted(self._candidates(path)):
            strength, pattern = self._searched[place]
            if strength < strongest:
                break
            if pattern.matches(path, steps):
                strongest = strength
        return _number(strongest) if strongest else None

    def _looked_up(self, path: str) -> Iterator[int]:
        """Strengths of the rules without wildcards that match."""
        if path in self._wholes:
            yield self._wholes[path]
        for length in self._lengths:
            if length > len(path):
                return
            if (beginning := path[:length]) in self._beginnings:
                yield self._beginnings[beginning]

    def _candidates(self, path: str) -> Iterator[int]:
        """Places of the rules with wildcards that may match."""
        for length in self._mark_lengths:
            there = {path[at : at + length] for at in range(len(path) - length + 1)}
            for mark in there & self._marked.keys():
                yield from self._marked[mark]

    @property
    def cost(self) -> int:
        """Its size in bytes, approximately, as measured."""
        plain = sum(map(len, self._beginnings)) + sum(map(len, self._wholes))
        searched = sum(300 + sum(55 + len(part) for part in pattern.parts) for _, pattern in self._searched)
        return plain + 80 * (len(self._beginnings) + len(self._wholes)) + searched


def _marks(pattern: RobotsPattern) -> list[str]:
    """The texts that a path matching `pattern` must contain, one of which is chosen; shorter if its parts are."""
    longest = max(pattern.parts, key=len)
    ends = range(len(longest), min(_MARK, len(longest)) - 1, -1)
    return [longest[max(0, end - _MARK) : end] for end in ends[:_MOST_MARKS]]


def _meanings(number: int, rule: RobotsLine) -> Iterator[tuple[int, RobotsPattern]]:
    """The meanings of a rule, each with its strength; a rule that allows an index page also allows its folder."""
    allows = rule.kind == "allow"
    for pattern in patterns_of(rule.value):
        yield _strength(weight(rule.value), allows, number), pattern
    folder, slash, page = rule.value.rpartition("/")
    if allows and f"{slash}{page}".startswith(_INDEX_PAGE):
        for pattern in patterns_of(f"{folder}/$"):
            yield _strength(weight(f"{folder}/$"), allows, number), pattern


def _strength(octets: int, allows: bool, number: int) -> int:
    """Greater for a stronger rule. Never 0, and unique by the number."""
    return (octets << 1 | allows) * _NUMBERS + _NUMBERS - 1 - number


def _number(strength: int) -> int:
    return _NUMBERS - 1 - strength % _NUMBERS


_NO_LINE = RobotsLine(0, "", "")
_LINE_COST = 130
_MOST_SITEMAPS = 100
_LONGEST_SITEMAP = 2_048


class RobotsRules:
    """The rules of one file for us. Compiling 500 KiB takes a fifth of a second: not on the event loop."""

    def __init__(self, content: bytes, token: str) -> None:
        lines = list(lines_of(content))
        named = (line.value for line in lines if line.kind == "sitemap" and len(line.value) <= _LONGEST_SITEMAP)
        self.sitemaps = tuple(dict.fromkeys(named))[:_MOST_SITEMAPS]
        """As the file writes them: they concern all agents (https://www.sitemaps.org/protocol.html)."""
        self._group = group_for(lines, token)
        self._version = sha256(content).hexdigest()[:16] if content else ""
        self._flag = _exceeded(self._group)
        if self._flag:
            self._group = replace(self._group, rules=())
        self._index = RuleIndex(self._group.rules)
        self.cost = self._index.cost + sum(_LINE_COST + len(rule.value) for rule in self._group.rules)
        """The size of all this in bytes, approximately; without the content itself."""

    def verdict(self, target: str, steps: StepCount | None = None) -> RobotsVerdict:
        """The verdict on a path and query, within `steps`; without it, the largest number that is ever allowed.

        If they don't suffice, or the file exceeds a bound, it forbids and has a flag of bounds.py.
        """
        if target == "/robots.txt":
            return RobotsVerdict(allowed=True, version=self._version, group=self._group.agent)
        if self._flag:
            return self._told(False, _NO_LINE, self._flag)
        try:
            number = self._index.deciding(path_text(target), steps or StepCount())
        except StepsSpentError:
            return self._told(False, _NO_LINE, TOO_MANY_STEPS)
        line = _NO_LINE if number is None else self._group.rules[number]
        return self._told(line.kind != "disallow", line)

    def _told(self, allowed: bool, line: RobotsLine, flag: str = "") -> RobotsVerdict:
        rule = f"{line.kind}: {line.value}" if line.number else ""
        return RobotsVerdict(
            allowed=allowed,
            line=line.number,
            rule=rule.encode("utf-8", "replace").decode()[:500],
            group=self._group.agent.encode("utf-8", "replace").decode(),
            version=self._version,
            crawl_delay_ms=self._group.crawl_delay_ms,
            flag=flag,
        )


def denial(verdict: RobotsVerdict) -> RobotsDenied:
    """The outcome of a URL that `verdict` forbids."""
    why = told(verdict.flag) if verdict.flag else verdict.rule
    details = {"line": str(verdict.line), "rule": verdict.rule, "group": verdict.group}
    if verdict.flag:
        details["flag"] = verdict.flag
    return RobotsDenied(f"robots.txt forbids it: {why}", delay_ms=None, chain=None, **details)


def _exceeded(group: Group) -> str:
    """The bound that the rules exceed as a whole; "" = none."""
    if len(group.rules) > MOST_RULES:
        return TOO_MANY_RULES
    if sum(rule.value.count("*") for rule in group.rules) > MOST_WILDCARDS:
        return TOO_MANY_WILDCARDS
    return ""
