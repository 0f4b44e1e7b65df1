from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.owner_lock import OWNER_LOCK
from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from ratelimiter.ledger.lines import LedgerEntry, Row
from ratelimiter.ledger.reading import Condition, Granted, grants, ledger_files
from ratelimiter.ledger.segments import segment_files
from ratelimiter.ledger.writing import Ledger
from tests.support.ledger_records import WALL_MS
from tests.support.limiter_requests import CONTEXT, START_MS, Clock, wish
from thrift_idl.errors import BackendDown, DiskFull, FolderLocked, LockLost
from thrift_idl.gen.ratelimiter.ttypes import ReserveBatchRequest, ReserveRequest

BOOT = bytes(16)


async def opened(folder: Path, clock: Clock, **bounds: int) -> Ledger:
    wall: Callable[[], float] = lambda: clock.now_ms - START_MS + WALL_MS  # noqa: E731
    return await Ledger.open(folder, "one", BOOT, clock, wall, **bounds)


def read(folder: Path) -> tuple[list[Granted], Condition]:
    condition = Condition()
    return list(grants(ledger_files([folder], condition), condition)), condition


def row(number: int, clock: Clock) -> Row:
    return (f"d{number}.com", f"www.d{number}.com", clock.now_ms, 0.0, 100.0, 0.0, "default", 3)


async def test_every_grant_is_on_record_with_all_that_is_to_be_proved_and_no_refusal(tmp_path: Path) -> None:
    clock = Clock()
    ledger = await opened(tmp_path, clock)
    service = RateLimiterService(MemoryState(), await LimitsInForce.open(), clock, ledger=ledger)
    answers = [await service.reserve(ReserveRequest(CONTEXT, wish())) for _ in range(15)]
    answers += await service.reserve_batch(ReserveBatchRequest(CONTEXT, tuple(wish(f"d{n}.com") for n in range(5))))
    answers.append(await service.reserve(ReserveRequest(CONTEXT, wish("slow.com", crawl_delay_ms=700))))
    await ledger.close()
    found, condition = read(tmp_path)
    assert len(found) == sum(grant.granted for grant in answers) == 11 + 5 + 1
    assert [each.slot_ms - WALL_MS for each in found[:3]] == pytest.approx([0, 100, 200])
    assert found[1].entry == LedgerEntry(
        "example.com", "www.example.com", START_MS + 100, 100.0, 100.0, 0.0, "default", 0
    )
    assert (found[-1].entry.interval_ms, found[-1].entry.limit) == (700, "default, Crawl-delay")
    assert condition == Condition()


async def test_a_grant_is_on_record_before_it_is_answered(tmp_path: Path) -> None:
    clock = Clock()
    ledger = await opened(tmp_path, clock)
    service = RateLimiterService(MemoryState(), await LimitsInForce.open(), clock, ledger=ledger)
    for number in range(20):
        await service.reserve(ReserveRequest(CONTEXT, wish(f"d{number}.com")))
        found, condition = read(tmp_path)  # as a kill -9 would leave it: the file isn't closed
        assert [each.entry.domain for each in found] == [f"d{n}.com" for n in range(number + 1)]
        assert len(condition.ends) == 1
    await ledger.close()


async def test_a_batch_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, write, written = Clock(), os.write, list[int]()
    ledger = await opened(tmp_path, clock)
    service = RateLimiterService(MemoryState(), await LimitsInForce.open(), clock, ledger=ledger)
    monkeypatch.setattr(os, "write", lambda file, content: written.append(file) or write(file, content))  # type: ignore[func-returns-value]  # a test's business
    await service.reserve_batch(ReserveBatchRequest(CONTEXT, tuple(wish(f"d{n}.com") for n in range(500))))
    assert len(written) == 1
    monkeypatch.setattr(os, "write", write)
    await ledger.close()
    assert len(read(tmp_path)[0]) == 500


async def test_files_are_rotated_compressed_and_bounded_the_oldest_going_first(tmp_path: Path) -> None:
    clock = Clock()
    ledger = await opened(tmp_path, clock, segment_bytes=20_000, max_bytes=32_000)
    for number in range(8_000):
        ledger.extend([row(number, clock)])
        clock.advance(10)
        if ledger._tidying is not None:
            await asyncio.wait([ledger._tidying])
    await ledger.close()
    files = segment_files(tmp_path)
    assert sum(file.stat().st_size for file in files) <= 32_000
    assert [file.suffix for file in files[:-1]] == [".zst"] * (len(files) - 1)
    assert len(files) > 3
    found, condition = read(tmp_path)
    domains = [each.entry.domain for each in found]
    assert domains == [f"d{number}.com" for number in range(8_000 - len(found), 8_000)]
    assert 1_000 < len(found) < 8_000
    assert condition == Condition()


async def test_a_successor_goes_on_beside_the_files_of_before_and_compresses_them(tmp_path: Path) -> None:
    clock = Clock()
    first = await opened(tmp_path, clock)
    first.extend([row(1, clock)])
    first.lock.release()  # it is killed
    clock.advance(1_000)
    second = await opened(tmp_path, clock)
    second.extend([row(2, clock)])
    await second.close()
    assert [file.name for file in segment_files(tmp_path)] == ["00000001.ledger.zst", "00000002.ledger"]
    assert [each.entry.domain for each in read(tmp_path)[0]] == ["d1.com", "d2.com"]


async def test_a_disk_without_room_stops_the_granting_until_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    ledger = await opened(tmp_path, clock)
    service = RateLimiterService(MemoryState(), await LimitsInForce.open(), clock, ledger=ledger)

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    write = os.write
    monkeypatch.setattr(os, "write", full)
    for number in range(1, 5):
        with pytest.raises(DiskFull, match="make room"):
            await service.reserve(ReserveRequest(CONTEXT, wish(f"d{number}.com")))
    monkeypatch.setattr(os, "write", write)
    assert (await service.reserve(ReserveRequest(CONTEXT, wish("d9.com")))).granted
    await ledger.close()
    assert [each.entry.domain for each in read(tmp_path)[0]] == ["d9.com"]


async def test_a_write_that_fits_in_part_only_leaves_no_torn_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, write = Clock(), os.write
    ledger = await opened(tmp_path, clock)
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:10]))
    with pytest.raises(DiskFull):
        ledger.extend([row(1, clock)])
    monkeypatch.setattr(os, "write", write)
    ledger.extend([row(2, clock)])
    await ledger.close()
    found, condition = read(tmp_path)
    assert [each.entry.domain for each in found] == ["d2.com"]
    assert condition == Condition()


async def test_a_folder_that_cant_be_made_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendDown, match="file"):
        await opened(tmp_path / "file", Clock())


async def test_a_ledger_has_one_writer(tmp_path: Path) -> None:
    ledger = await opened(tmp_path, Clock())
    with pytest.raises(FolderLocked, match=f"process {os.getpid()}"):
        await opened(tmp_path, Clock())
    await ledger.close()


async def test_what_a_writer_whose_lock_is_gone_still_writes_stays_on_record_and_is_told_of(tmp_path: Path) -> None:
    clock = Clock()
    first = await opened(tmp_path, clock)
    first.extend([row(1, clock)])
    (tmp_path / OWNER_LOCK).unlink()
    clock.advance(1_000)
    second = await opened(tmp_path, clock)
    second.extend([row(2, clock)])
    clock.advance(20)
    first.extend([row(3, clock)])
    await first.close()
    await second.close()
    found, condition = read(tmp_path)
    assert {each.entry.domain for each in found} == {"d1.com", "d2.com", "d3.com"}
    assert condition.overlapping == [str(tmp_path / "00000001.ledger")]
    with pytest.raises(LockLost):
        first.lock.check()


async def test_a_successor_that_cant_know_whether_the_writer_before_lives_says_so(tmp_path: Path) -> None:
    clock = Clock()
    first = await opened(tmp_path, clock)
    first.extend([row(1, clock)])
    (tmp_path / OWNER_LOCK).unlink()  # and then it is killed
    clock.advance(1_000)
    second = await opened(tmp_path, clock)
    second.extend([row(2, clock)])
    await second.close()
    assert read(tmp_path)[1].abandoned == [str(tmp_path / "00000001.ledger")]
    third = await opened(tmp_path, clock)
    await third.close()
    assert segment_files(tmp_path)[0].name == "00000001.ledger.zst"
    assert read(tmp_path)[1].abandoned == [str(tmp_path / "00000001.ledger.zst")]
