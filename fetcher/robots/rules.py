"""The rules of one robots.txt, compiled for our product token. Pure."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from fetcher.robots.bounds import (
    MOST_RULES,
    MOST_WILDCARDS,
    TOO_MANY_RULES,
    TOO_MANY_STEPS,
    TOO_MANY_WILDCARDS,
    StepCount,
    StepsSpentError,
    told,
)
from fetcher.robots.index import RuleIndex
from fetcher.robots.patterns import path_text
from fetcher.robots.reading import Group, RobotsLine, group_for, lines_of
from thrift_idl.errors import RobotsDenied
from thrift_idl.gen.fetcher.ttypes import RobotsVerdict

_NO_LINE = RobotsLine(0, "", "")
_LINE_COST = 130
_MOST_SITEMAPS = 100
_LONGEST_SITEMAP = 2_048


class RobotsRules:
    """What one file says to us. To compile 500 KiB takes a fifth of a second: not on the event loop."""

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
        """Bytes that all this takes, about; the content itself isn't part of it."""

    def verdict(self, target: str, steps: StepCount | None = None) -> RobotsVerdict:
        """The verdict on a path and query, for which `steps` may be taken; without, as many as anybody gets.

        Where they don't suffice, or the file is too much altogether, it forbids and has a flag of bounds.py.
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
