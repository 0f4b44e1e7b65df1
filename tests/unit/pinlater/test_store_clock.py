"""Servers whose own clocks differ reckon in their store's time."""

from __future__ import annotations

from pinlater.backends.sqlite import SqliteBackend
from pinlater.store_clock import StoreClock
from tests.support.pinlater_caller import START_MS, Clock
from thrift_idl.errors import BackendDown


class Store(SqliteBackend):
    """A shard with a clock of its own, if it answers."""

    def __init__(self, shard: str, time_ms: int | None, is_down: bool = False) -> None:
        self.shard = shard
        self._time_ms = time_ms
        self._is_down = is_down

    async def clock_ms(self) -> int | None:  # type: ignore[override]  # a file has none
        if self._is_down:
            raise BackendDown("down")
        return self._time_ms


async def test_it_is_as_far_from_this_machines_clock_as_the_stores() -> None:
    wall = Clock()
    clock = StoreClock([Store("1", START_MS + 60_000)], wall)
    assert clock() == START_MS
    assert await clock.measure()
    wall.ms += 5
    assert clock() == START_MS + 60_005


async def test_the_way_to_the_store_moves_nothing() -> None:
    clock = StoreClock([Store("1", START_MS + 20)], Clock())
    assert await clock.measure() and clock() == START_MS


async def test_the_first_shard_that_answers_has_the_time() -> None:
    shards = [Store("3", START_MS + 3_000), Store("1", None, is_down=True), Store("2", START_MS + 2_000)]
    clock = StoreClock(shards, Clock())
    assert await clock.measure() and clock() == START_MS + 2_000


async def test_where_none_answers_the_time_goes_on_as_it_was_known() -> None:
    shards = [Store("1", START_MS + 2_000)]
    clock = StoreClock(shards, Clock())
    await clock.measure()
    shards[0] = Store("1", None, is_down=True)
    assert not await clock.measure() and clock() == START_MS + 2_000
