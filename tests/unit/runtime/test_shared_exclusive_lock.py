"""Jobs run together, or one alone."""

from __future__ import annotations

import asyncio

from runtime.shared_exclusive_lock import SharedExclusiveLock


async def test_many_run_together_and_one_that_wants_to_be_alone_waits_for_them() -> None:
    lock, seen = SharedExclusiveLock(), []
    release = asyncio.Event()

    async def together(name: str) -> None:
        async with lock.together():
            seen.append(name)
            await release.wait()

    async def alone() -> None:
        async with lock.alone():
            seen.append("alone")
            assert len(others) == 3

    others = [asyncio.create_task(together(str(n))) for n in range(3)]
    await asyncio.sleep(0)
    lonely = asyncio.create_task(alone())
    await asyncio.sleep(0.01)
    assert seen == ["0", "1", "2"]
    release.set()
    await asyncio.gather(*others, lonely)
    assert seen[-1] == "alone"


async def test_who_gives_up_waiting_to_be_alone_holds_up_nobody() -> None:
    lock = SharedExclusiveLock()
    async with lock.together():
        lonely = asyncio.create_task(lock.alone().__aenter__())
        await asyncio.sleep(0)
        late = asyncio.create_task(lock.together().__aenter__())
        await asyncio.sleep(0)
        assert not late.done()
        lonely.cancel()
        await asyncio.wait_for(late, 30)


async def test_who_waits_to_be_alone_is_not_overtaken() -> None:
    lock, seen = SharedExclusiveLock(), []

    async def one(name: str, alone: bool) -> None:
        async with lock.alone() if alone else lock.together():
            seen.append(name)
            await asyncio.sleep(0.001)

    first = asyncio.create_task(one("first", False))
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(one("alone", True)), asyncio.create_task(one("late", False))]
    await asyncio.gather(first, *tasks)
    assert seen == ["first", "alone", "late"]
