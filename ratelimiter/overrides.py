"""Limits, and the choice of the one that applies to a name. Pure.

A reservation takes from two budgets at once, its registrable domain's and its host's:

- the domain's: the override of the domain, else the longest wildcard that matches it, else the default
- the host's: the override of the host; else, unless the domain has an override of its own, the longest wildcard that
  matches the host; else none. A host's budget is below its domain's: one that is faster changes nothing

So host > domain > longest wildcard > default. `*.example.org` matches every name below example.org, not example.org.
An expired override doesn't exist. Domains and hosts are named in their deciding form (`weburl.deciding_form`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ratelimiter.next_slot import MAX_WAIT_MS
from runtime.durations import DAY_MS
from thrift_idl.errors import BadConfiguration

MAX_QPS: Final = 1_000.0
MAX_INTERVAL_MS: Final = DAY_MS
SECTIONS: Final = ("domains", "hosts", "wildcards")


@dataclass(frozen=True, slots=True)
class Limit:
    """The allowed rate of a domain, or of one of its hosts, and the rule behind it."""

    interval_ms: float
    name: str = "default"
    blocked: bool = False
    note: str = ""
    max_wait_ms: float = MAX_WAIT_MS
    """No caller waits longer for a slot, even if it asks to."""
    line: int = 0
    """Line of the override file; 0 = the default."""
    expires_ms: float | None = None
    """Wall clock (ms since 1970) at which the override expires; None = it stays."""


DEFAULT_QPS: Final = 10.0


def limit_of_qps(qps: float, name: str = "default") -> Limit:
    """The limit of that many requests a second. Raises `BadConfiguration`."""
    if isinstance(qps, bool) or not isinstance(qps, (int, float)) or not 1_000 / MAX_INTERVAL_MS <= qps <= MAX_QPS:
        raise BadConfiguration(f"qps of {name} must be a number from one a day (0.0000116) to {MAX_QPS:g}, not {qps!r}")
    return Limit(1_000 / qps, name)


@dataclass(frozen=True, slots=True)
class Overrides:
    """A default, and the overrides of a file by their names. A wildcard's key is the text after its `*.`."""

    default: Limit
    domains: Mapping[str, Limit] = field(default_factory=dict)
    hosts: Mapping[str, Limit] = field(default_factory=dict)
    wildcards: Mapping[str, Limit] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.domains) + len(self.hosts) + len(self.wildcards)

    @property
    def others(self) -> bool:
        """True if there is any override that isn't a domain's."""
        return bool(self.hosts or self.wildcards)

    def of_domain(self, domain: str) -> Limit:
        """The limit of a registrable domain."""
        found = self.domains.get(domain)
        if found is None and self.wildcards:
            found = next(self.matching(domain), None)
        return found or self.default

    def of_host(self, domain: str, host: str) -> Limit | None:
        """The limit that a host has besides its domain's; None = none that would change anything."""
        found = self.hosts.get(host)
        if found is None and self.wildcards and domain not in self.domains:
            found = next(self.matching(host), None)
        if found is None:
            return None
        of_domain = self.of_domain(domain)
        slower = found.interval_ms > of_domain.interval_ms or found.max_wait_ms < of_domain.max_wait_ms
        return found if slower or found.blocked else None

    def matching(self, name: str) -> Iterator[Limit]:
        """The wildcards that match a name, the longest first."""
        _, _, rest = name.partition(".")
        while rest:
            found = self.wildcards.get(rest)
            if found:
                yield found
            _, _, rest = rest.partition(".")

    def all(self) -> Iterable[Limit]:
        """Every override."""
        return (limit for kind in (self.domains, self.hosts, self.wildcards) for limit in kind.values())

    def without_expired(self, wall_ms: float) -> Overrides:
        """The overrides in force at a time of the wall clock."""
        if all(limit.expires_ms is None for limit in self.all()):
            return self
        kept = ({n: o for n, o in kind.items() if in_force(o, wall_ms)} for kind in self._kinds())
        return Overrides(self.default, *kept)

    def _kinds(self) -> tuple[Mapping[str, Limit], ...]:
        return self.domains, self.hosts, self.wildcards


def in_force(limit: Limit, wall_ms: float) -> bool:
    """True if a limit hasn't expired."""
    return limit.expires_ms is None or wall_ms < limit.expires_ms


@dataclass(frozen=True, slots=True)
class LimitCandidate:
    """A rule that could decide a name's limit, and the result for it."""

    limit: Limit
    budget: str
    """domain or host: the budget that it would decide."""
    won: bool
    why: str


def explain(overrides: Overrides, domain: str, host: str, wall_ms: float) -> list[LimitCandidate]:
    """Every rule of a file, expired or not, that could decide the budgets of a domain and a host, the winners first."""
    valid = overrides.without_expired(wall_ms)
    winner, host_winner = valid.of_domain(domain), valid.of_host(domain, host) if host else None
    found = [LimitCandidate(winner, "domain", True, _why(winner, domain))]
    if host_winner:
        found.append(LimitCandidate(host_winner, "host", True, _why(host_winner, host)))
    for limit, budget in _eligible(overrides, domain, host):
        if limit not in {winner, host_winner}:
            before = host_winner if budget == "host" and host_winner else winner
            found.append(LimitCandidate(limit, budget, False, _why_not(limit, before, wall_ms)))
    return found


def _eligible(overrides: Overrides, domain: str, host: str) -> Iterator[tuple[Limit, str]]:
    """The default last; each rule once."""
    seen: set[Limit] = set()
    hosts = (overrides.hosts.get(host), *overrides.matching(host)) if host else ()
    domains = (overrides.domains.get(domain), *overrides.matching(domain), overrides.default)
    for limits, budget in ((domains[:-1], "domain"), (hosts, "host"), (domains[-1:], "domain")):
        for limit in limits:
            if limit and limit not in seen:
                seen.add(limit)
                yield limit, budget


def _why(limit: Limit, name: str) -> str:
    if limit.name.startswith("wildcards."):
        return f"the longest wildcard that matches {name}, which has no override of its own"
    return f"the override of {name} itself" if limit.line else "no override matches"


def _why_not(limit: Limit, winner: Limit, wall_ms: float) -> str:
    if not in_force(limit, wall_ms):
        return "expired"
    if limit.name.startswith("hosts."):
        return f"not below {winner.name}, so that it changes nothing"
    return f"{winner.name} is more specific"
