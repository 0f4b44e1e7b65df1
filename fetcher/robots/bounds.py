"""Bounds on the cost of one robots.txt. Beyond them a URL is taken as disallowed, and its verdict has a flag.

A file that people wrote stays far below: 500 KiB hold 40,000 rules only if a rule and its field take 12 octets.
Costs are counted, not timed, so that a verdict is the same on every machine and every day. Pure.
"""

from __future__ import annotations

MOST_RULES = 40_000
"""Rules of the group that we go by."""
MOST_WILDCARDS = 100_000
"""`*` in these rules, as written."""
MOST_STEPS = 2_000_000
"""Of one verdict; near 10 ms."""
QUICK_STEPS = 100_000
"""Of a verdict that is made without leaving the event loop; near half a millisecond."""

TOO_MANY_RULES = "too_many_rules"
TOO_MANY_WILDCARDS = "too_many_wildcards"
TOO_MANY_STEPS = "too_many_steps"

_TOLD = {
    TOO_MANY_RULES: f"the file has more than {MOST_RULES:,} rules for us",
    TOO_MANY_WILDCARDS: f"the file has more than {MOST_WILDCARDS:,} wildcards in its rules for us",
    TOO_MANY_STEPS: f"comparing the URL with the file's wildcards takes more than {MOST_STEPS:,} steps",
}
# A search costs about 50 steps to begin. Each octet that it looks at may have to be compared with a part of what is
# searched for; 16 octets of that take as long as a step.
_SEARCH = 50
_AT_ONCE = 16


def told(flag: str) -> str:
    """A sentence on why a verdict with `flag` forbids, for people."""
    return f"{_TOLD.get(flag, flag)}: beyond that bound a URL is taken as disallowed ({flag})"


class StepsSpentError(Exception):
    """A verdict takes more steps than it may."""


class StepCount:
    """The steps that one verdict has taken, of those that it may take."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        self.taken = 0
        self._most = most

    def take(self, octets: int, sought: int) -> None:
        """Take those of having searched `octets` for a text of `sought` octets, at worst. Raises `StepsSpentError`."""
        self.taken += _SEARCH + max(0, octets) * (1 + sought // _AT_ONCE)
        if self.taken > self._most:
            raise StepsSpentError
