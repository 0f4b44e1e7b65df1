"""The files of queues and shards: read whole, or refused with line and reason; looked at while we run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pinlater import OWN_QUEUES, MonitorRules, QueueRules, queue_limits, shard_file
from pinlater.queue_limits import LimitsOfQueues, LiveRules, QueueLimits
from pinlater.queue_rate import QueueRate
from pinlater.shard_file import ShardEntry
from runtime.watched_file import WatchedFile
from tests.support.pinlater_caller import Counts
from thrift_idl.errors import BadConfiguration

QUEUES = """# of our team
[queues.mail]
rate = 100
concurrency = 5

[queues."report_*"]
paused = true
updates = 0
claim_timeout_ms = 30_000
"""


def test_a_queue_s_own_entry_comes_before_a_pattern() -> None:
    limits = queue_limits.parse(QUEUES + "[queues.report_daily]\nrate = 0.5\n", "q.toml")
    assert limits.of("mail") == QueueLimits(rate=100, concurrency=5)
    assert limits.of("report_weekly").is_paused and not limits.of("report_daily").is_paused
    assert limits.of("another") == QueueLimits()
    assert QueueLimits(rate=0).is_paused


def test_an_empty_file_limits_nothing() -> None:
    assert queue_limits.parse("", "q.toml") == LimitsOfQueues({})


@pytest.mark.parametrize(
    ("parse", "text", "line", "reason"),
    [
        (queue_limits.parse, '[queues.mail]\n\nrate = "fast"', 3, "Expected `float | null`"),
        (queue_limits.parse, "[queues.mail]\nrate = 1\nrade = 2", 3, "unknown field `rade`"),
        (queue_limits.parse, "[queues.mail]\nconcurrency = 0", 2, ">= 1"),
        (queue_limits.parse, "\n[queue.mail]\nrate = 1", 2, 'unknown key "queue"; known: queues'),
        (queue_limits.parse, "[queues]\nmail = 1", 2, "Expected `object`"),
        (queue_limits.parse, "queues = 1", 1, "must be a table"),
        (queue_limits.parse, "[queues.mail]\nrate = \n", 2, "Invalid value"),
        (queue_limits.parse, "[queues.mail]\nrate = nan", 2, "rate"),
        (shard_file.parse, '[shards.1]\nbackend = "redis://a/0"\n[shards.2]\nbackend = "redis://a/0"', 1, "two shards"),
        (
            shard_file.parse,
            '[shards.1]\nbackend = "sqlite:///{data_dir}/a"\n[shards.2]\nbackend = "sqlite:////{data_dir}/./a"',
            1,
            "two shards",
        ),
        (shard_file.parse, '[shards."a-b"]\nbackend = "redis://a/0"', 1, "no name of a shard"),
        (shard_file.parse, "[shards.1]\ndequeue_only = true", 1, "missing required field `backend`"),
        (shard_file.parse, "", 1, "1 to 256 shards"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    parse: Callable[[str, str], object], text: str, line: int, reason: str
) -> None:
    with pytest.raises(BadConfiguration) as refused:
        parse(text, "file.toml")
    assert "file.toml" in str(refused.value)
    assert f"line {line}" in str(refused.value)
    assert reason in str(refused.value)


def test_shards_are_read() -> None:
    text = '[shards.1]\nbackend = "redis://a/0"\n[shards.b]\nbackend = "redis://b/0"\ndequeue_only = true'
    assert shard_file.parse(text, "s.toml") == {
        "1": ShardEntry("redis://a/0"),
        "b": ShardEntry("redis://b/0", dequeue_only=True),
    }


async def watched(path: Path, counts: Counts) -> WatchedFile[LimitsOfQueues]:
    path.write_text(QUEUES)
    return await WatchedFile.open(path, queue_limits.parse, counts)


async def test_a_changed_file_is_applied_and_a_bad_one_leaves_the_last_good_one(tmp_path: Path) -> None:
    path, counts = tmp_path / "q.toml", Counts()
    file = await watched(path, counts)
    path.write_text("[queues.mail]\nrate = 7\n")
    assert (await file.current(1_000)).of("mail").rate == 7
    path.write_text("[queues.mail]\nrate = 8\nnonsense = 1\n")
    for now_ms in (2_000, 3_000):
        assert (await file.current(now_ms)).of("mail").rate == 7
    assert "line 3" in file.complaint
    assert (counts.of["file_loaded"], counts.of["file_refused"]) == (1, 1)
    path.unlink()
    assert (await file.current(4_000)).of("mail").rate == 7
    path.write_text("")
    assert (await file.current(5_000)).of("mail").rate is None
    assert file.complaint == ""


async def test_it_is_looked_at_once_a_second(tmp_path: Path) -> None:
    path = tmp_path / "q.toml"
    file = await watched(path, Counts())
    await file.current(10_000)
    path.write_text("")
    assert (await file.current(10_999)).of("mail").rate == 100
    assert (await file.current(11_000)).of("mail").rate is None


async def test_a_file_that_is_bad_at_the_start_is_an_error(tmp_path: Path) -> None:
    for content in (b"[", b"\xff", b"x" * (4 * 1024 * 1024 + 1)):
        (tmp_path / "q.toml").write_bytes(content)
        with pytest.raises(BadConfiguration):
            await WatchedFile.open(tmp_path / "q.toml", queue_limits.parse)
    with pytest.raises(BadConfiguration):
        await WatchedFile.open(tmp_path / "absent.toml", queue_limits.parse)


async def test_the_monitor_s_numbers_of_the_file_stand_above_those_of_the_program(tmp_path: Path) -> None:
    text = "[queues.'crawl_*']\nkeep_failed_ms = 5\n[queues.mail]\nupdates = 0\n[queues.crawl_x]\ncycle_ms = 7\n"
    (tmp_path / "q.toml").write_text(text)
    file = await WatchedFile.open(tmp_path / "q.toml", queue_limits.parse)
    rules = await LiveRules(file, MonitorRules({"crawl*": OWN_QUEUES})).current(0)
    assert (rules.of("crawl_1").keep_failed_ms, rules.of("crawl_1").claim_timeout_ms) == (5, 30_000)
    assert rules.of("crawl_x").cycle_ms == 7
    assert rules.of("crawler") == OWN_QUEUES
    assert rules.of("mail") == QueueRules(updates=None)
    assert rules.of("another") == QueueRules()


def test_a_rate_gathers_no_more_than_a_tenth_of_a_second_s_jobs() -> None:
    pace = QueueRate()
    assert pace.take(100, 1_000, 60_000) == 10
    assert pace.take(100, 1_000, 60_050) == 5
    assert pace.next_ms(100, 60_050) == 10


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    pace = QueueRate()
    assert pace.take(10, 5, 1_000) == 1
    assert pace.take(10, 5, 1_000) == pace.take(10, 5, 500) == 0


def test_a_slow_rate_gives_one_job_at_a_time() -> None:
    pace = QueueRate()
    assert [pace.take(0.1, 9, time_ms) for time_ms in (0, 5_000, 10_000, 40_000)] == [1, 0, 1, 1]
