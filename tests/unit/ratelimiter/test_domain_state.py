from __future__ import annotations

from ratelimiter.domain_state import DomainStates


def test_too_many_standings_drop_those_of_the_past_first() -> None:
    domain_states = DomainStates(max_domains=4)
    for number in range(4):
        domain_states.take(f"d{number}.com", 0).held_until = 100 if number < 3 else 9_000
    domain_states.take("new.com", 1_000)
    assert domain_states.find("d3.com") is not None
    assert len(domain_states) == 2


def test_too_many_standings_drop_those_that_end_soonest_next() -> None:
    domain_states = DomainStates(max_domains=4)
    for number in range(4):
        domain_states.take(f"d{number}.com", 0).held_until = 9_000 + number
    domain_states.take("new.com", 1_000)
    assert domain_states.find("d0.com") is None
    assert domain_states.find("d1.com") is not None
