from __future__ import annotations

from pathlib import Path

import pytest

from ratelimiter.ledger.lines import DamagedLine, LedgerEntry, line, read_line
from ratelimiter.ledger.reading import Condition, Granted, grants, ledger_files
from ratelimiter.ledger.segments import compress
from tests.support.ledger_records import WALL_MS, entry, write_file
from thrift_idl.errors import InvalidRequest, StoreTooNew, StoreUnreadable


def read(*paths: Path) -> tuple[list[Granted], Condition]:
    condition = Condition()
    return list(grants(ledger_files(paths, condition), condition)), condition


def domains(found: list[Granted]) -> list[str]:
    return [each.entry.domain for each in found]


def test_a_line_reads_as_it_was_written_and_no_other_does() -> None:
    written = line([tuple(entry(5.5, "a.com"))])
    assert read_line(written) == [LedgerEntry("a.com", "a.com", 5.5, 0.0, 100.0, 0.0, "default", 1)]
    for at in range(len(written) - 1):
        with pytest.raises(DamagedLine):
            read_line(written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :])
    for cut in range(len(written)):
        with pytest.raises(DamagedLine):
            read_line(written[:cut])


@pytest.mark.parametrize("value", [5, [5], [[1]], [["a", "a", "x", 1, 1, 1, "", 1]], {"wall_ms": 1}, None, "a"])
def test_json_that_is_no_grant_is_damage(value: object) -> None:
    with pytest.raises(DamagedLine):
        read_line(line(value))


def test_grants_of_several_shards_come_in_the_order_of_asking(tmp_path: Path) -> None:
    write_file(tmp_path / "one/00000001.ledger", [entry(100.0 * n, "a.com") for n in range(5)])
    write_file(tmp_path / "two/00000001.ledger", [entry(100.0 * n + 50, "b.com") for n in range(5)], shard="two")
    found, condition = read(tmp_path)
    assert domains(found) == ["a.com", "b.com"] * 5
    assert condition == Condition()


def test_files_of_one_boot_compare_exactly_though_the_wall_clock_jumped_between_them(tmp_path: Path) -> None:
    write_file(tmp_path / "00000001.ledger", [entry(1_000.0)])
    write_file(tmp_path / "00000002.ledger", [entry(1_100.0)], monotonic_ms=1_050.0, wall_ms=WALL_MS + 3_600_000)
    found, _ = read(tmp_path)
    assert found[1].slot_ms - found[0].slot_ms == 100
    assert found[1].wall_ms - found[0].wall_ms == pytest.approx(3_600_000 - 950)


def test_files_of_two_boots_compare_by_the_wall_clock(tmp_path: Path) -> None:
    write_file(tmp_path / "00000001.ledger", [entry(9_000_000.0)], monotonic_ms=9_000_000.0)
    write_file(tmp_path / "00000002.ledger", [entry(500.0)], boot="b2", monotonic_ms=0.0, wall_ms=WALL_MS + 60_000)
    found, _ = read(tmp_path)
    assert found[1].slot_ms - found[0].slot_ms == 60_500


def test_a_torn_tail_is_read_past_and_said_compressed_or_not(tmp_path: Path) -> None:
    path = write_file(tmp_path / "00000001.ledger", [entry(100.0 * n) for n in range(5)], closed=False)
    path.write_bytes(path.read_bytes()[:-20])
    found, condition = read(tmp_path)
    assert (len(found), condition.torn, condition.damaged) == (4, [str(path)], [])
    assert condition.ends == [WALL_MS + 300]
    compress(path)
    found, condition = read(tmp_path)
    assert (len(found), condition.torn) == (4, [f"{path}.zst"])


def test_a_line_that_was_spoilt_is_left_out_and_said(tmp_path: Path) -> None:
    path = write_file(tmp_path / "00000001.ledger", [entry(100.0 * n) for n in range(5)])
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"a.com", b"b.com")
    path.write_bytes(b"".join(lines))
    found, condition = read(tmp_path)
    assert (len(found), condition.damaged, condition.torn) == (4, [f"{path}:4"], [])


def two_files(
    folder: Path, alone: bool = True, closed: bool = False, boot: str = "b1", wall_ms: float = WALL_MS
) -> None:
    """A file with grants up to 500 ms, and one that was begun then."""
    write_file(folder / "00000001.ledger", [entry(100.0 * n) for n in range(6)], closed=closed)
    second = folder / "00000002.ledger"
    write_file(second, [entry(600.0)], monotonic_ms=500, boot=boot, wall_ms=wall_ms + 500, alone=alone)


def test_a_writer_whose_successor_knew_that_it_had_ended_leaves_no_doubt(tmp_path: Path) -> None:
    two_files(tmp_path)
    assert read(tmp_path)[1] == Condition(ends=[WALL_MS + 500])


def test_a_file_without_an_end_before_a_writer_that_didnt_know_is_said(tmp_path: Path) -> None:
    two_files(tmp_path, alone=False)
    assert read(tmp_path)[1].abandoned == [str(tmp_path / "00000001.ledger")]


def test_a_closed_file_is_one_whoever_comes_after_it(tmp_path: Path) -> None:
    two_files(tmp_path, alone=False, closed=True)
    assert read(tmp_path)[1] == Condition()


def test_two_writers_at_once_are_said(tmp_path: Path) -> None:
    write_file(tmp_path / "00000001.ledger", [entry(100.0 * n) for n in range(7)])
    write_file(tmp_path / "00000002.ledger", [entry(550.0)], monotonic_ms=500, wall_ms=WALL_MS + 500)
    assert read(tmp_path)[1].overlapping == [str(tmp_path / "00000001.ledger")]


def test_a_file_without_an_end_before_another_boot_may_lack_what_a_power_cut_took(tmp_path: Path) -> None:
    two_files(tmp_path, boot="b2", wall_ms=WALL_MS + 60_000)
    assert read(tmp_path)[1].cut == [str(tmp_path / "00000001.ledger")]


@pytest.mark.parametrize(("set_ms", "said"), [(200, 0), (300, 1), (-300, 1), (3_600_000, 1)])
def test_a_wall_clock_that_was_set_is_said(tmp_path: Path, set_ms: float, said: int) -> None:
    two_files(tmp_path, wall_ms=WALL_MS + set_ms)
    assert len(read(tmp_path)[1].jumps) == said


def test_a_wall_clock_that_was_set_back_over_a_boot_is_said(tmp_path: Path) -> None:
    two_files(tmp_path, closed=True, boot="b2", wall_ms=WALL_MS - 1_000)
    assert read(tmp_path)[1].jumps == [str(tmp_path / "00000002.ledger")]


def test_a_file_whose_first_line_is_spoilt_though_others_follow_has_an_unknown_writer(tmp_path: Path) -> None:
    path = write_file(tmp_path / "00000001.ledger", [entry(0)])
    path.write_bytes(path.read_bytes().replace(b'"shard"', b'"shirt"', 1))
    write_file(tmp_path / "00000002.ledger", [entry(100)])
    assert read(tmp_path)[1].unsigned == [str(path)]


def test_a_file_killed_before_its_first_line_was_whole_is_said(tmp_path: Path) -> None:
    (tmp_path / "00000001.ledger").write_bytes(b"")
    write_file(tmp_path / "00000002.ledger", [entry(0)])
    found, condition = read(tmp_path)
    assert (len(found), len(condition.headless), condition.missing) == (1, 1, [])


def test_a_file_missing_from_the_middle_is_said_and_the_oldest_may_be_gone(tmp_path: Path) -> None:
    for number in (3, 4, 6):
        write_file(
            tmp_path / f"{number:08d}.ledger", [entry(100.0 * number)], monotonic_ms=number, wall_ms=WALL_MS + number
        )
    assert read(tmp_path)[1].missing == [f"{tmp_path}: 5"]


def test_what_is_no_ledger_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"no ledger here; .*ratelimiter\.ledger"):
        read(tmp_path)
    with pytest.raises(InvalidRequest, match="absent"):
        read(tmp_path / "absent")
    other = tmp_path / "other"
    other.write_bytes(line({"some": "thing"}))
    with pytest.raises(StoreUnreadable, match="no ledger of the rate limiter"):
        read(other)
    other.write_bytes(line({"ledger": 2}))
    with pytest.raises(StoreTooNew):
        read(other)
    packed = tmp_path / "00000001.ledger.zst"
    packed.write_bytes(b"rubbish")
    with pytest.raises(StoreUnreadable, match="damaged"):
        read(packed)
