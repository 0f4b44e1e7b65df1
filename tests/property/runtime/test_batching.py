"""Batches, whatever the sizes and the order of their coming."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from runtime.batching import Batching


@given(st.lists(st.lists(st.integers(0, 9), max_size=8), max_size=6), st.integers(1, 12))
def test_every_item_is_done_once_in_order_and_no_batch_of_several_is_too_large(
    arrivals: list[list[int]], most: int
) -> None:
    batches: list[list[tuple[int, int]]] = []

    async def act(items: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
        batches.append(list(items))
        await asyncio.sleep(0)
        return items

    async def run() -> None:
        batching = Batching(act, most, size=lambda item: item[1])
        items: list[tuple[int, int]] = []
        results: list[asyncio.Future[tuple[int, int]]] = []
        for arrival in arrivals:
            for size in arrival:
                items.append((len(items), size))
                results.append(batching(items[-1]))
            await asyncio.sleep(0)
        await batching.close()
        assert [result.result() for result in results] == items
        assert [item for batch in batches for item in batch] == items

    asyncio.run(run())
    assert all(len(batch) == 1 or sum(size for _, size in batch) <= most for batch in batches)
