from __future__ import annotations

import pytest

from ratelimiter.pool.ring import RING_SLOTS, owners, ring_slot


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_one_shard_more_moves_about_its_share_and_nothing_between_the_others(count: int) -> None:
    names = tuple("abcdefgh"[:count])
    before, after = owners(names), owners((*names, "z"))
    moved = [slot for slot in range(RING_SLOTS) if before[slot] != after[slot]]
    assert all(after[slot] == count for slot in moved)
    assert 0.5 / (count + 1) < len(moved) / RING_SLOTS < 1.5 / (count + 1)


def test_the_order_of_the_shards_in_the_file_doesnt_matter() -> None:
    forth, back = ("a", "b", "c"), ("c", "b", "a")
    assert [forth[place] for place in owners(forth)] == [back[place] for place in owners(back)]


def test_domains_are_spread_over_the_slots() -> None:
    assert len({ring_slot(f"d{number}.com") for number in range(100_000)}) > 0.99 * RING_SLOTS


def test_every_shard_has_a_fair_share() -> None:
    table = owners(("a", "b", "c"))
    assert all(0.2 < table.count(place) / RING_SLOTS < 0.5 for place in range(3))
