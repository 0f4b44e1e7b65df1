"""Agreement of a site's access log with the grants. Pure, bounded memory.

Requests and grants of a host, in any spelling, are paired in order of time: a request takes the oldest grant of its
host whose slot had come, and not longer ago than a request may be late (connecting is done before; what remains is
the slack of a grant, the network, and for logs written after the answer the answer's own time).

- a request without a grant breaks the promise;
- a grant without a request doesn't: the slot was not used (a connection failed, a process stalled or died, a hold
  made it void).

The requests' own seconds are judged too, where the log is finer than a second.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ratelimiter.ledger.accesslog import SiteAccess
from ratelimiter.ledger.proof import WINDOW_MS, allowed
from ratelimiter.ledger.reading import Granted
from runtime.durations import SECOND_MS
from weburl import deciding_form

EARLY_MS: Final = 5.0
"""A request may seem to come this much before its slot: two processes read the clock, one after the other."""
LATE_MS: Final = 5_000.0
_MOST_EXAMPLES: Final = 10
_TAIL_MS: Final = 40_000.0
"""The data that the kernel may not have put on the disk yet, and the longest wait."""


@dataclass(slots=True)
class Agreement:
    """The result of a comparison."""

    paired: int = 0
    ungranted: int = 0
    """Requests without a grant."""
    unused: int = 0
    """Grants without a request."""
    crowded: int = 0
    """Requests that made a second of a domain too full, by the site's log."""
    in_tail: int = 0
    """Of those, the ones just after the end of a file that wasn't closed: a power cut may have taken its last lines."""
    outside: int = 0
    """Requests before the ledger's first grant or long after its last one: it has no evidence about them."""
    ungranted_examples: list[tuple[str, float]] = field(default_factory=list)
    """(host, ms since 1970)"""
    worst: tuple[float, str, float, int, float] = (0.0, "", 0.0, 0, 0.0)
    """The fullest second: (fullness, domain, its last request, requests, allowed)."""

    @property
    def holds(self) -> bool:
        """True if each request had its grant, and no second was too full."""
        return not self.ungranted and not self.crowded


@dataclass(slots=True)
class _Host:
    waiting: deque[Granted] = field(default_factory=deque)
    domain: str = ""
    interval_ms: float = 0.0


class Comparison:
    """Pairs grants and requests, each added in order of time."""

    def __init__(self, ends: Sequence[float] = (), early_ms: float = EARLY_MS, late_ms: float = LATE_MS) -> None:
        """`ends`: `Condition.ends`, which grows while the ledger is read."""
        self.agreement = Agreement()
        self._ends = ends
        self._last: float | None = None
        self._over = False
        self._early = early_ms
        self._late = late_ms
        self._hosts: dict[str, _Host] = {}
        self._arrivals: dict[str, deque[tuple[float, float]]] = {}
        self._sweep_at = 0.0

    def of(
        self, grants: Iterable[Granted], requests: Iterable[SiteAccess], judged: Callable[[Granted], None]
    ) -> Agreement:
        """Compare two whole streams; each grant is also passed to `judged`."""
        for told in _merged(self._noting_the_end(grants), requests, self._early + SECOND_MS):
            if isinstance(told, Granted):
                judged(told)
                self.granted(told)
            else:
                self.requested(told)
        return self.end()

    def granted(self, granted: Granted) -> None:
        """A grant, in the order of asking."""
        host = self._hosts.setdefault(deciding_form(granted.entry.host), _Host())
        host.domain, host.interval_ms = granted.entry.domain, granted.entry.interval_ms
        host.waiting.append(granted)
        self._last = max(granted.wall_ms, self._last or granted.wall_ms)
        if granted.wall_ms > self._sweep_at:
            self._sweep(granted.wall_ms)

    def requested(self, access: SiteAccess) -> None:
        """A request, in the order of arriving."""
        early = self._early if access.exact else SECOND_MS
        host = self._hosts.get(access.host)
        self._drop_unused(host, access.t_ms)
        if host is None or not host.waiting or host.waiting[0].wall_ms > access.t_ms + early:
            self._without_grant(access)
            return
        interval = host.waiting.popleft().entry.interval_ms
        self.agreement.paired += 1
        if access.exact:
            self._arrived(host.domain, access.t_ms, interval)

    def end(self) -> Agreement:
        """Both streams have ended."""
        self.agreement.unused += sum(len(host.waiting) for host in self._hosts.values())
        return self.agreement

    def _noting_the_end(self, grants: Iterable[Granted]) -> Iterator[Granted]:
        yield from grants
        self._over = True

    def _without_grant(self, access: SiteAccess) -> None:
        agreement, t_ms = self.agreement, access.t_ms
        if self._last is None or (self._over and t_ms > self._last + 2 * self._late):
            agreement.outside += 1
        else:
            agreement.ungranted += 1
            agreement.in_tail += any(end - self._early <= t_ms <= end + _TAIL_MS for end in self._ends)
            if len(agreement.ungranted_examples) < _MOST_EXAMPLES:
                agreement.ungranted_examples.append((access.host, t_ms))

    def _drop_unused(self, host: _Host | None, t_ms: float) -> None:
        while host and host.waiting and host.waiting[0].wall_ms < t_ms - self._late:
            host.waiting.popleft()
            self.agreement.unused += 1

    def _arrived(self, domain: str, t_ms: float, interval: float) -> None:
        arrivals = self._arrivals.setdefault(domain, deque())
        arrivals.append((t_ms, interval))
        while arrivals[0][0] <= t_ms - WINDOW_MS:
            arrivals.popleft()
        most = allowed(min(interval for _, interval in arrivals))
        fullness = len(arrivals) / most
        self.agreement.crowded += fullness > 1
        self.agreement.worst = max(self.agreement.worst, (fullness, domain, t_ms, len(arrivals), most))

    def _sweep(self, now_ms: float) -> None:
        """Forget hosts without grants that a request could still use."""
        self._sweep_at = now_ms + self._late
        for name, host in list(self._hosts.items()):
            self._drop_unused(host, now_ms - 2 * self._late)
            if not host.waiting:
                del self._hosts[name]
        for domain, arrivals in list(self._arrivals.items()):
            if arrivals[-1][0] < now_ms - 2 * self._late:
                del self._arrivals[domain]


def _merged(
    grants: Iterable[Granted], requests: Iterable[SiteAccess], early_ms: float
) -> Iterator[Granted | SiteAccess]:
    """Both in one order, so that every grant that a request may use comes before it."""
    asked = ((granted.wall_ms - granted.entry.wait_ms, 0, granted) for granted in grants)
    arrived = ((access.t_ms + early_ms, 1, access) for access in requests)
    both: Iterator[tuple[float, int, Granted | SiteAccess]] = heapq.merge(asked, arrived, key=lambda told: told[:2])
    return (told for _, _, told in both)
