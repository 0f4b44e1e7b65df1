"""The pace of one reservation: the budgets of its registrable domain and host. Pure; times as in `next_slot`."""

from __future__ import annotations

from ratelimiter import next_slot
from ratelimiter.domain_state import UNHEARD, DomainStates
from ratelimiter.domain_state import blocked_until as domain_blocked_until
from ratelimiter.ledger.lines import BY_CRAWL_DELAY, Row
from ratelimiter.overrides import Limit, Overrides
from ratelimiter.state import Keys, Times, state_key
from thrift_idl.gen.ratelimiter.ttypes import Reservation
from weburl import deciding_form


def host_name(host: str) -> str:
    """The key of a host's budget in the state and among the domain states: no domain has a colon."""
    return f"host:{host}"


class DomainPace:
    """Both budgets of one reservation; `host_limit` None = the host has none of its own."""

    __slots__ = ("domain", "host", "host_limit", "interval", "keys", "limit", "max_wait_ms")

    def __init__(self, wish: Reservation, host: str, limit: Limit, interval: float, host_limit: Limit | None) -> None:
        self.domain, self.host = wish.domain, host
        self.limit, self.interval, self.host_limit = limit, interval, host_limit
        self.max_wait_ms = min(next_slot.max_wait_ms(wish.max_wait_ms), limit.max_wait_ms)
        self.keys: Keys = (state_key(self.domain),)
        if host_limit is not None:
            self.keys = (*self.keys, state_key(host_name(self.host)))
            self.max_wait_ms = min(self.max_wait_ms, host_limit.max_wait_ms)

    @classmethod
    def of(cls, wish: Reservation, limits: Overrides, cap_ms: float) -> DomainPace:
        """The pace of `wish` under these limits; a Crawl-delay counts up to `cap_ms`."""
        limit = limits.of_domain(wish.domain)
        interval = next_slot.interval_ms(limit.interval_ms, wish.crawl_delay_ms, cap_ms)
        host = deciding_form(wish.host) if limits.others else wish.host
        return cls(wish, host, limit, interval, limits.of_host(wish.domain, host))

    @property
    def shown_ms(self) -> float:
        """The distance of two slots for this caller: the longer of both budgets'."""
        return self.interval if self.host_limit is None else max(self.interval, self.host_limit.interval_ms)

    def not_before(self, now: float, domain_states: DomainStates) -> float:
        """No slot earlier than this: holds, blocks, the Crawl-delay of the last grant."""
        domain_state = domain_states.find(self.domain)
        if domain_state is None and not self._blocked():
            return next_slot.NEVER
        return max((domain_state or UNHEARD).not_before(), self.blocked_until(now, domain_states))

    def slot_ms(self, now: float, last: Times, domain_states: DomainStates) -> float:
        """The first slot that both budgets have free. `last`: the last slots, in the order of `keys`."""
        slot = next_slot.slot_ms(now, last[0], self.interval, self.not_before(now, domain_states))
        if self.host_limit is not None:
            slot = max(slot, last[1] + self.host_limit.interval_ms)
        return slot

    def refusal(self, now: float, slot: float, last: Times, domain_states: DomainStates) -> tuple[str, str, float]:
        """The reason why a slot is too far ahead, the queue in which its caller comes back, and that queue's interval.

        A host's own budget has a queue of its own: its callers don't delay those of other hosts.
        """
        host = self.host_limit
        if host is not None and (host.blocked or slot == last[1] + host.interval_ms):
            return "blocked" if host.blocked else "no_slot", host_name(self.host), host.interval_ms
        domain_state = domain_states.find(self.domain) or UNHEARD
        if slot == self.blocked_until(now, domain_states):
            return "blocked", self.domain, self.interval
        return "held" if slot == domain_state.held_until else "no_slot", self.domain, self.interval

    def row(self, slot: float, now: float, version: int) -> Row:
        """The grant of a slot in the ledger's form."""
        host = self.host_limit
        name = self.limit.name if host is None else f"{self.limit.name}, {host.name}"
        if self.interval > self.limit.interval_ms:
            name += BY_CRAWL_DELAY
        host_interval = 0.0 if host is None else host.interval_ms
        return self.domain, self.host, slot, slot - now, self.interval, host_interval, name, version

    def _blocked(self) -> bool:
        return self.limit.blocked or (self.host_limit is not None and self.host_limit.blocked)

    def blocked_until(self, now: float, domain_states: DomainStates) -> float:
        """End of the block of the domain or of the host."""
        if self.host_limit is not None and self.host_limit.blocked:
            return now + next_slot.HORIZON_MS
        return domain_blocked_until(self.limit, domain_states.find(self.domain), now)
