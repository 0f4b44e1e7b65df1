from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.owner_lock import OWNER_LOCK
from ratelimiter import FileState
from ratelimiter.backends.file import boot_id
from ratelimiter.backends.journal import RECORD_BYTES
from ratelimiter.next_slot import MAX_WAIT_MS
from ratelimiter.ownership import LockedAlone
from ratelimiter.state import state_key
from tests.support.limiter_requests import START_MS, Clock, assert_spaced, limiter, reserve
from thrift_idl.errors import BackendDown, FolderLocked, LockLost, StoreTooNew

BOOT = bytes(range(16))
OTHER_BOOT = bytes(16)
KEY = (state_key("example.com"),)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def opened(directory: Path, clock: Clock, boot: bytes = BOOT, rotate_bytes: int = 1 << 20) -> FileState:
    return await FileState.open(directory, clock, boot=boot, rotate_bytes=rotate_bytes)


async def grants(directory: Path, clock: Clock, count: int, boot: bytes = BOOT) -> list[float]:
    """Slots of one process's life: it ends without a word."""
    state = await opened(directory, clock, boot)
    service = await limiter(clock, state)
    granted = [await reserve(service) for _ in range(count)]
    await state.close()
    return [clock.now_ms + grant.wait_ms for grant in granted if grant.granted]


def log_of(directory: Path) -> Path:
    (log,) = directory.glob("*.log")
    return log


async def test_slots_go_on_where_they_were_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    await grants(tmp_path, clock, 0)
    clock.advance(1_000)
    before = await grants(tmp_path, clock, 5)
    clock.advance(10)
    assert_spaced(before + await grants(tmp_path, clock, 3), 100)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".lock", ".log", ".snapshot"]


async def test_a_new_directory_starts_one_interval_from_now(tmp_path: Path, clock: Clock) -> None:
    assert await grants(tmp_path / "made" / "here", clock, 1) == [START_MS + 100]


async def test_a_domain_long_idle_is_granted_at_once_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    await grants(tmp_path, clock, 5)
    clock.advance(60_000)
    assert await grants(tmp_path, clock, 2) == [clock.now_ms, clock.now_ms + 100]


async def test_after_a_boot_the_old_clock_counts_for_nothing_and_domains_start_one_interval_from_now(
    tmp_path: Path, clock: Clock
) -> None:
    await grants(tmp_path, clock, 5)
    clock.now_ms = 20_000.0
    assert await grants(tmp_path, clock, 1, OTHER_BOOT) == [20_100]
    assert await grants(tmp_path, clock, 1, OTHER_BOOT) == [20_200]


@pytest.mark.parametrize("jump_ms", [-3_600_000, 3_600_000])
async def test_a_clock_that_jumps_an_hour_between_two_lives_gives_neither_block_nor_burst(
    tmp_path: Path, clock: Clock, jump_ms: float
) -> None:
    await grants(tmp_path, clock, 5)
    clock.now_ms += jump_ms
    slots = await grants(tmp_path, clock, 1)
    clock.now_ms += MAX_WAIT_MS + 100
    slots += await grants(tmp_path, clock, 3)
    assert len(slots) > 2
    assert_spaced(slots, 100)


@pytest.mark.parametrize("lost", range(1, RECORD_BYTES))
async def test_a_torn_tail_starts_every_domain_after_any_slot_that_may_be_out(
    tmp_path: Path, clock: Clock, lost: int
) -> None:
    before = await grants(tmp_path, clock, 30)
    log = log_of(tmp_path)
    log.write_bytes(log.read_bytes()[:-lost])
    assert await grants(tmp_path, clock, 1) == []
    clock.advance(100)
    assert_spaced(before + await grants(tmp_path, clock, 1), 100)


@pytest.mark.parametrize("kind", ["log", "snapshot"])
@pytest.mark.parametrize("damage", [b"", b"rubbish", bytes(1_000), b"\xff" * 5_000])
async def test_files_that_are_rubbish_can_only_delay(tmp_path: Path, clock: Clock, kind: str, damage: bytes) -> None:
    before = await grants(tmp_path, clock, 30)
    next(tmp_path.glob(f"*.{kind}")).write_bytes(damage)
    clock.advance(100)
    assert_spaced(before + await grants(tmp_path, clock, 5), 100)
    clock.advance(MAX_WAIT_MS + 100)
    assert len(await grants(tmp_path, clock, 1)) == 1


async def test_each_flipped_byte_of_the_log_can_only_delay(tmp_path: Path, clock: Clock) -> None:
    before = await grants(tmp_path, clock, 4)
    log = log_of(tmp_path)
    whole, number = log.read_bytes(), int(log.stem)
    for at in range(len(whole)):
        directory = tmp_path / str(at)
        directory.mkdir()
        damaged = bytearray(whole)
        damaged[at] ^= 0x41
        (directory / f"{number:08d}.log").write_bytes(damaged)
        if damaged[4:6] != whole[4:6]:
            with pytest.raises(StoreTooNew, match="newer"):
                await grants(directory, clock, 1)
        else:
            assert_spaced(before[-1:] + await grants(directory, clock, 1), 100)


async def test_a_growing_log_is_replaced_by_a_snapshot(tmp_path: Path, clock: Clock) -> None:
    state = await opened(tmp_path, clock, rotate_bytes=10 * RECORD_BYTES)
    expected = {}
    for number in range(500):
        key = state_key(f"d{number % 50}.com")
        found = await state.get((key,))
        expected[key] = clock.now_ms + number
        assert await state.compare_and_set((key,), found, (expected[key],)) == found
        clock.advance(1)
    await state.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 60_000
    again = await opened(tmp_path, clock)
    assert {key: (await again.get((key,)))[0] for key in expected} == expected
    await again.close()


async def test_a_crash_at_any_step_of_a_rotation_loses_nothing(tmp_path: Path, clock: Clock) -> None:
    """The files at each step: the new log empty or begun, the snapshot unfinished or whole, old files there."""
    before = await grants(tmp_path, clock, 3)
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    after = await grants(tmp_path, clock, 3)
    new = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".lock"}
    new_log, new_snapshot = sorted(new)
    steps = [
        old | {new_log: new[new_log]},
        old | {new_log: new[new_log], new_snapshot.replace("snapshot", "part"): new[new_snapshot][:20]},
        old | new,
        dict(list(old.items())[:1]) | new,
        new,
    ]
    for number, files in enumerate(steps):
        directory = tmp_path / str(number)
        directory.mkdir()
        for name, content in files.items():
            (directory / name).write_bytes(content)
        assert_spaced(before + after + await grants(directory, clock, 2), 100)


async def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, clock: Clock) -> None:
    await grants(tmp_path, clock, 3)
    log = log_of(tmp_path)
    newer = log.read_bytes()[:4] + b"\x02\x00" + log.read_bytes()[6:]
    log.write_bytes(newer)
    with pytest.raises(StoreTooNew, match="newer Aragog"):
        await opened(tmp_path, clock)
    assert log.read_bytes() == newer


async def test_a_directory_that_cant_be_used_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendDown, match="file"):
        await opened(tmp_path / "file" / "state", clock)


async def test_several_keys_move_together_or_not_at_all_and_survive(tmp_path: Path, clock: Clock) -> None:
    keys = (state_key("example.com"), state_key("www.example.com"))
    state = await opened(tmp_path, clock)
    found = await state.get(keys)
    assert await state.compare_and_set(keys, found, (START_MS, START_MS + 1)) == found
    assert await state.compare_and_set(keys, (START_MS, 0.0), (START_MS + 9, START_MS + 9)) == (START_MS, START_MS + 1)
    await state.close()
    again = await opened(tmp_path, clock)
    assert await again.get(keys) == (START_MS, START_MS + 1)
    await again.close()


def test_the_boot_has_one_name_on_this_machine() -> None:
    assert len(boot_id()) == 16


async def test_a_state_has_one_writer(tmp_path: Path, clock: Clock) -> None:
    state = await opened(tmp_path, clock)
    (tmp_path.parent / "link").symlink_to(tmp_path)
    for spelling in (tmp_path, tmp_path.parent / "link"):
        with pytest.raises(FolderLocked, match=f"process {os.getpid()}"):
            await opened(spelling, clock)
    await state.close()
    await (await opened(tmp_path, clock)).close()


async def test_no_second_budget_is_handed_out_where_the_lock_of_a_living_limiter_is_deleted(
    tmp_path: Path, clock: Clock
) -> None:
    """The one whose lock is gone grants until it looks again; the other grants nothing that may come before that."""
    first = await opened(tmp_path, clock)
    clock.advance(1_000)
    before = await limiter(clock, first, ownership=LockedAlone(first.lock.check, clock))
    slots = [clock.now_ms + (await reserve(before)).wait_ms]
    (tmp_path / OWNER_LOCK).unlink()
    second = await opened(tmp_path, clock)
    after = await limiter(clock, second, ownership=LockedAlone(second.lock.check, clock))
    lost = False
    for _ in range(300):
        if not lost:
            try:
                grant = await reserve(before)
            except LockLost:
                lost = True
            else:
                slots += [clock.now_ms + grant.wait_ms] if grant.granted else []
        grant = await reserve(after)
        slots += [clock.now_ms + grant.wait_ms] if grant.granted else []
        clock.advance(10)
    assert lost and len(slots) > 20
    assert_spaced(sorted(slots), 100)
    await first.close()
    await second.close()
