"""The answer of `status`: everything that decides a domain's next slot. Pure."""

from __future__ import annotations

from ratelimiter.domain_state import UNHEARD, DomainStates
from ratelimiter.feedback import FIRST_HOLD_MS
from ratelimiter.pace import DomainPace
from runtime.durations import DAY_MS
from thrift_idl.gen.ratelimiter.ttypes import DomainStatus, Shadow


def status_of(
    pace: DomainPace,
    now: float,
    slot: float,
    domain_states: DomainStates,
    version: int,
    complaint: str,
    shadow: Shadow | None,
) -> DomainStatus:
    """The status of `pace`, if its next slot is `slot`."""
    domain_state, limit, host = domain_states.find(pace.domain) or UNHEARD, pace.limit, pace.host_limit
    held_ms = max(domain_state.held_until - now, 0.0)
    return DomainStatus(
        domain=pace.domain,
        interval_ms=limit.interval_ms,
        next_slot_ms=slot - now,
        held_ms=held_ms,
        blocked_ms=max(pace.blocked_until(now, domain_states) - now, 0.0),
        limit=limit.name,
        version=version,
        line=limit.line,
        note=host.note or limit.note if host else limit.note,
        host_limit=host.name if host else "",
        host_interval_ms=host.interval_ms if host else 0.0,
        host_line=host.line if host else 0,
        held_status=domain_state.held_status if held_ms else 0,
        next_hold_ms=float(min(max(FIRST_HOLD_MS, 2 * domain_state.unasked_hold_ms), DAY_MS)),
        limits_error=complaint,
        shadow=shadow,
    )
