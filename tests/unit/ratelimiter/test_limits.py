from __future__ import annotations

import os
from pathlib import Path

import pytest

from aragog.metrics import REGISTRY, LimiterMetrics
from ratelimiter import LimitsInForce
from tests.support.limiter_requests import Heard
from thrift_idl.errors import BadConfiguration

DAY_MS = 86_400_000
SLOW = '[domains."example.com"]\nqps = 1\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "limits.toml"
    path.write_text(SLOW)
    return path


async def interval(limits: LimitsInForce, now_ms: float) -> float:
    return (await limits.current(now_ms)).of_domain("example.com").interval_ms


async def test_without_a_file_ten_requests_a_second_hold_for_everyone() -> None:
    limit = (await (await LimitsInForce.open()).current(0)).of_domain("example.com")
    assert (limit.interval_ms, limit.name) == (100, "default")


async def test_a_changed_file_is_in_force_within_a_second(file: Path) -> None:
    heard = Heard()
    limits = await LimitsInForce.open(file, telemetry=heard)
    assert await interval(limits, 0) == 1_000
    file.write_text('[domains."example.com"]\nqps = 4\n[domains."other.com"]\nqps = 2\n')
    assert await interval(limits, 999) == 1_000
    assert await interval(limits, 1_000) == 250
    assert heard.loaded == [1, 2]


async def test_a_file_replaced_within_one_tick_of_its_time_and_size_is_seen(file: Path) -> None:
    limits = await LimitsInForce.open(file)
    await interval(limits, 0)
    other = file.with_name("new")
    other.write_text(SLOW.replace("1", "2"))
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)
    assert await interval(limits, 1_000) == 500


@pytest.mark.parametrize("damage", ["remove", "syntax", "bytes", "huge"])
async def test_a_bad_file_is_told_once_and_the_last_good_one_stays(file: Path, damage: str) -> None:
    heard = Heard()
    limits = await LimitsInForce.open(file, telemetry=heard)
    if damage == "remove":
        file.unlink()
    elif damage == "syntax":
        file.write_text(SLOW + "qps = 2")
    elif damage == "bytes":
        file.write_bytes(b"\xff\xfe")
    else:
        os.truncate(file, 17 * 1024 * 1024)
    for now_ms in (0, 1_000, 2_000):
        assert await interval(limits, now_ms) == 1_000
    assert len(heard.refused) == 1
    assert str(file) in heard.refused[0]
    assert limits.complaint == heard.refused[0]
    file.write_text(SLOW.replace("1", "5"))
    assert await interval(limits, 3_000) == 200
    assert limits.complaint == ""


async def test_a_file_that_vanished_and_came_back_as_it_was_is_in_force_again(file: Path) -> None:
    limits = await LimitsInForce.open(file)
    aside = file.with_name("aside")
    file.rename(aside)
    await interval(limits, 0)
    assert "No such file" in limits.complaint
    aside.rename(file)
    assert await interval(limits, 1_000) == 1_000
    assert limits.complaint == ""


async def test_an_override_expires_while_we_run_and_is_back_when_the_wall_clock_is_set_back(file: Path) -> None:
    file.write_text(SLOW + "expires = 1970-01-02\n")
    wall = [0.0]
    limits = await LimitsInForce.open(file, wall=lambda: wall[0])
    found = []
    for now_ms, wall[0] in ((0, DAY_MS - 1), (1_000, DAY_MS), (2_000, DAY_MS - 1)):
        found.append(await interval(limits, now_ms))
    assert found == [1_000, 100, 1_000]


@pytest.mark.parametrize("content", [None, "[domains", '[domains."example.com"]\nqps = 0'])
async def test_a_bad_file_at_the_start_is_an_error_that_names_it(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "limits.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadConfiguration, match=r"limits\.toml"):
        await LimitsInForce.open(path)


async def test_a_metric_says_whether_the_file_as_it_stands_is_in_force(file: Path) -> None:
    def good() -> float | None:
        return REGISTRY.get_sample_value("ratelimiter_limits_good", {"file": str(file)})

    limits = await LimitsInForce.open(file, telemetry=LimiterMetrics())
    assert good() == 1
    file.write_text("rubbish")
    await interval(limits, 0)
    assert good() == 0
    file.write_text(SLOW)
    await interval(limits, 1_000)
    assert good() == 1
