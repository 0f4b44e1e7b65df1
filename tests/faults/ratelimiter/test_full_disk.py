from __future__ import annotations

from pathlib import Path

import pytest

from ratelimiter import FileState
from tests.support.limiter_requests import Clock, assert_spaced, limiter, reserve
from thrift_idl.errors import DiskFull

BOOT = bytes(16)


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4_096)):
                pass
        except OSError:
            pass
    return filler


async def test_on_a_full_disk_nothing_is_granted_unrecorded_and_it_goes_on_when_there_is_room(small_disk: Path) -> None:
    clock, slots = Clock(), []
    state = await FileState.open(small_disk / "state", clock, boot=BOOT, rotate_bytes=10_000)
    service = await limiter(clock, state, qps=1_000)
    filler = _fill(small_disk)
    with pytest.raises(DiskFull, match="make room"):
        for _ in range(20_000):
            clock.advance(1)
            grant = await reserve(service)
            slots.append(clock.now_ms + grant.wait_ms)
    for _ in range(3):
        with pytest.raises(DiskFull):
            await reserve(service)
    filler.unlink()
    clock.advance(1)
    slots.append(clock.now_ms + (await reserve(service)).wait_ms)
    await state.close()

    again = await FileState.open(small_disk / "state", clock, boot=BOOT)
    service = await limiter(clock, again, qps=1_000)
    slots.append(clock.now_ms + (await reserve(service)).wait_ms)
    await again.close()
    assert slots[-1] - slots[-2] < 100, "the log's tail was whole: nothing had to be doubted"
    assert_spaced(slots, 1)


async def test_a_state_that_cant_be_opened_for_a_full_disk_says_so_and_stays_as_it_was(small_disk: Path) -> None:
    clock = Clock()
    state = await FileState.open(small_disk / "state", clock, boot=BOOT)
    slot = clock.now_ms + (await reserve(await limiter(clock, state))).wait_ms
    await state.close()
    filler = _fill(small_disk)
    with pytest.raises(DiskFull, match="make room"):
        await FileState.open(small_disk / "state", clock, boot=BOOT)
    filler.unlink()
    again = await FileState.open(small_disk / "state", clock, boot=BOOT)
    assert clock.now_ms + (await reserve(await limiter(clock, again))).wait_ms == slot + 100
    await again.close()
