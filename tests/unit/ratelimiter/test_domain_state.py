from __future__ import annotations

from ratelimiter.domain_state import DomainStates


def test_too_many_standings_drop_those_of_the_past_first() -> None:
    standings = DomainStates(max_domains=4)
    for number in range(4):
        standings.take(f"d{number}.com", 0).held_until = 100 if number < 3 else 9_000
    standings.take("new.com", 1_000)
    assert standings.find("d3.com") is not None
    assert len(standings) == 2


def test_too_many_standings_drop_those_that_end_soonest_next() -> None:
    standings = DomainStates(max_domains=4)
    for number in range(4):
        standings.take(f"d{number}.com", 0).held_until = 9_000 + number
    standings.take("new.com", 1_000)
    assert standings.find("d0.com") is None
    assert standings.find("d1.com") is not None
