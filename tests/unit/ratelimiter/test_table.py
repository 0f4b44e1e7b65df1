from __future__ import annotations

import random

from ratelimiter.next_slot import HORIZON_MS, NEVER
from ratelimiter.state import state_key
from ratelimiter.table import PARTS, PackedTable


def test_a_key_never_set_had_no_slot() -> None:
    assert PackedTable().find(state_key("example.com")) == NEVER


def test_the_table_agrees_with_a_dictionary() -> None:
    rng, table, expected = random.Random(1), PackedTable(), {}
    for step in range(20_000):
        key, time_ms = state_key(f"d{rng.randrange(5_000)}.com"), 1e9 + step
        table.put(key, time_ms)
        expected[key] = time_ms
    assert {key: table.find(key) for key in expected} == expected
    assert len(table) == len(expected)


def test_keys_that_fall_on_the_same_place_are_kept_apart() -> None:
    table, keys = PackedTable(), [1 + (number << 40) for number in range(200)]
    for number, key in enumerate(keys):
        table.put(key, 1e6 + number)
    assert [table.find(key) for key in keys] == [1e6 + number for number in range(200)]


def test_idle_domains_are_forgotten_and_never_answered_earlier_than_they_were() -> None:
    table = PackedTable()
    for number in range(10_000):
        table.put(state_key(f"old{number}.com"), 1_000.0)
    now = 1_000.0 + 2 * HORIZON_MS
    for number in range(40_000):
        table.put(state_key(f"new{number}.com"), now)
    assert len(table) == 40_000
    assert min(table.find(state_key(f"old{number}.com")) for number in range(10_000)) >= 1_000


def test_the_table_stays_bounded_and_what_it_forgets_can_only_be_delayed() -> None:
    table, last = PackedTable(max_entries=4 * PARTS), {}
    for number in range(20_000):
        key = state_key(f"d{number}.com")
        last[key] = 1e6 + number
        table.put(key, last[key])
    assert len(table) <= 6 * PARTS
    assert all(table.find(key) >= time_ms for key, time_ms in last.items())
    assert table.find(state_key("unheard-of.com")) > NEVER


def test_a_domain_takes_at_most_48_bytes_when_there_are_many() -> None:
    table = PackedTable()
    for number in range(100_000):
        table.put(state_key(f"d{number}.com"), 1e6)
    places = sum(len(part.keys) for part in table.parts)
    assert places * 16 / len(table) <= 48


def test_a_keys_hash_is_stable_and_never_zero() -> None:
    assert state_key("example.com") == state_key("example.com") != state_key("example.org")
    assert 0 < state_key("example.com") < 2**64
