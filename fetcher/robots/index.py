"""The index of a group's rules: finds the rule that decides on a path without comparing all of them. Pure.

Rules without wildcards are looked up: any number of them costs nothing. A rule with wildcards is compared only
if its mark occurs in the path: four octets that few other rules have. In files that people wrote this leaves a
few rules. In a file that makes all of them occur, the bound on steps ends the search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fetcher.robots.bounds import StepCount
from fetcher.robots.patterns import RobotsPattern, patterns_of, weight
from fetcher.robots.reading import RobotsLine

_MARK = 4
_MOST_MARKS = 12
_NUMBERS = 1 << 20
_INDEX_PAGE = "/index.htm"


class RuleIndex:
    """Rules, found by paths. Fewer than a million."""

    def __init__(self, rules: Sequence[RobotsLine]) -> None:
        # Each rule by its strength: one number, which also tells the rule. Kept is the strongest that means the same.
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
        """The number of the rule that decides on `path`, a text of patterns.py; None where no rule matches.

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
        """Bytes that it takes, about, as measured."""
        plain = sum(map(len, self._beginnings)) + sum(map(len, self._wholes))
        searched = sum(300 + sum(55 + len(part) for part in pattern.parts) for _, pattern in self._searched)
        return plain + 80 * (len(self._beginnings) + len(self._wholes)) + searched


def _marks(pattern: RobotsPattern) -> list[str]:
    """What must occur in a path that `pattern` matches, of which one is chosen; shorter where its parts are."""
    longest = max(pattern.parts, key=len)
    ends = range(len(longest), min(_MARK, len(longest)) - 1, -1)
    return [longest[max(0, end - _MARK) : end] for end in ends[:_MOST_MARKS]]


def _meanings(number: int, rule: RobotsLine) -> Iterator[tuple[int, RobotsPattern]]:
    """What a rule matches, each with its strength; where it allows an index page, it allows that page's folder, too."""
    allows = rule.kind == "allow"
    for pattern in patterns_of(rule.value):
        yield _strength(weight(rule.value), allows, number), pattern
    folder, slash, page = rule.value.rpartition("/")
    if allows and f"{slash}{page}".startswith(_INDEX_PAGE):
        for pattern in patterns_of(f"{folder}/$"):
            yield _strength(weight(f"{folder}/$"), allows, number), pattern


def _strength(octets: int, allows: bool, number: int) -> int:
    """Greater for a stronger rule. Never 0, and told apart by the number."""
    return (octets << 1 | allows) * _NUMBERS + _NUMBERS - 1 - number


def _number(strength: int) -> int:
    return _NUMBERS - 1 - strength % _NUMBERS
