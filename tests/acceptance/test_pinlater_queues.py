"""`aragog queue`, over the embedded store and through a server alike; and what Prometheus reads."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aragog.cli.queue import app
from aragog.metrics_server import metrics_served
from aragog.settings import MetricsSettings, Settings
from pinlater import queue_limits, shard_file
from tests.support.pinlater_caller import PASSWORD, Caller, jobs_of
from tests.support.processes import environment, service

QUEUE = "mail"


class Queues:
    """The commands, and jobs for them."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=self.env)

    def said(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    def with_worker(self, work: Any) -> Any:
        from aragog.assembly.scheduling import visited_pinlater
        from aragog.settings import load

        async def run() -> Any:
            async with visited_pinlater(load(self.env)) as pinlater:
                worker = Caller(pinlater, queue=QUEUE)
                await worker.create()
                return await work(worker)

        return asyncio.run(run())


@pytest.fixture(params=["embedded", "service"])
def queues(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queues]:
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    (tmp_path / "queues.toml").write_text("[queues.mail]\nconcurrency = 50\n")
    env = environment(
        data_dir=str(tmp_path / "data"),
        pinlater_admin_hash=digest,
        pinlater_admin_password=PASSWORD,
        pinlater_queues=str(tmp_path / "queues.toml"),
    )
    if request.param == "embedded":
        yield Queues(env)
        return
    with service(env, "pinlater") as address:
        yield Queues(env | {"ARAGOG_PINLATER_SERVICE": address})


async def some_fail(worker: Caller) -> None:
    await worker.enqueue(jobs_of("one", "two", "three", "four", numAttemptsAllowed=1))
    await worker.ack(failed=await worker.take(3), appendCustomStatus="smtp down")
    await worker.take(0 + 1)


def test_queues_are_listed_looked_into_retried_paused_drained_and_removed(queues: Queues) -> None:
    queues.with_worker(some_fail)
    (listed,) = queues.said("ls")
    assert (listed["queueName"], listed["ready"], listed["inProgress"], listed["failed"]) == (QUEUE, 0, 1, 3)
    assert listed["claimedAtOnce"] == 50
    shown, *failed_last = queues.said("show", QUEUE)
    assert shown == listed
    assert {(job["body"], job["customStatus"]) for job in failed_last} == {
        (n, "smtp down") for n in ("one", "two", "three")
    }
    failed = queues.said("peek", QUEUE, "--state", "failed", "--match", "^t")
    assert {job["body"] for job in failed} == {"two", "three"}
    assert {(job["jobState"], job["customStatus"]) for job in failed} == {("FAILED", "smtp down")}
    assert queues.said("retry", QUEUE, "--match", "^t", "--attempts", "4") == [{"queue": QUEUE, "retried": 2}]
    ready = queues.said("peek", QUEUE)
    assert {(job["body"], job["attemptsRemaining"]) for job in ready} == {("two", 4), ("three", 4)}
    assert queues.said("pause", QUEUE) == [{"queue": QUEUE, "paused": True}]
    assert queues.said("show", QUEUE)[0]["paused"]
    assert queues.said("resume", QUEUE) == [{"queue": QUEUE, "paused": False}]
    assert queues.said("rm", QUEUE, "--state", "failed", "--yes") == [{"queue": QUEUE, "removed": 1}]
    undrained = queues.run("drain", QUEUE, "--timeout-ms", "0", "--json")
    assert (undrained.exit_code, json.loads(undrained.stdout)["left"]) == (1, 3)
    assert queues.said("rm", QUEUE, "--state", "claimed", "--yes") == [{"queue": QUEUE, "removed": 1}]
    assert queues.said("rm", QUEUE, "--yes") == [{"queue": QUEUE, "removed": "queue"}]
    assert queues.said("ls") == []


def test_tables_show_what_json_says_and_bodies_drive_no_terminal(tmp_path: Path) -> None:
    queues = Queues(environment(data_dir=str(tmp_path)) | {"COLUMNS": "200"})
    queues.with_worker(lambda worker: worker.enqueue(jobs_of("a\x1b[31m[bold]b", "x" * 500)))
    assert QUEUE in queues.run("ls").stdout
    assert re.search(r"ready\W+2\b", queues.run("show", QUEUE).stdout)
    shown = queues.run("peek", QUEUE).stdout
    assert "\x1b[31m" not in shown and "[bold]b" in shown and "(500 characters)" in shown
    assert queues.run("drain", QUEUE, "--timeout-ms", "0").stdout == "2 jobs of mail are left\n"


def test_what_is_not_there_is_an_error_and_nothing_is_removed_unasked(tmp_path: Path) -> None:
    queues = Queues(environment(data_dir=str(tmp_path)))
    for command in ("show", "peek", "pause", "resume", "drain", "retry"):
        assert isinstance(queues.run(command, "nowhere").exception, Exception), command
    queues.with_worker(lambda worker: worker.enqueue(jobs_of("kept")))
    assert queues.run("rm", QUEUE).exit_code == 1
    assert queues.run("rm", QUEUE, "--match", "x", "--yes").exit_code == 2
    assert queues.said("ls")[0]["ready"] == 1


async def test_prometheus_reads_the_contract_s_counters_and_how_queues_stand(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    from aragog.assembly.scheduling import local_pinlater

    settings = Settings(data_dir=str(tmp_path), metrics=MetricsSettings("127.0.0.1:0"))
    async with local_pinlater(settings) as pinlater, metrics_served(settings) as address:
        worker = Caller(pinlater, queue="read_by_prometheus")
        await worker.create()
        await worker.enqueue(jobs_of("one", "two", "three"))
        taken = await worker.take(2)
        await worker.ack(done=taken[:1], failed=taken[1:])
        await worker.ack(done=taken[:1])
        text = (await asyncio.to_thread(urllib.request.urlopen, f"http://{address}/metrics")).read().decode()
        with pytest.raises(urllib.error.HTTPError):
            await asyncio.to_thread(urllib.request.urlopen, f"http://{address}/else")
    read = dict(re.findall(r'^(\w+)\{queue="read_by_prometheus"[^}]*\} (\S+)$', text, flags=re.MULTILINE))
    assert {name: float(value) for name, value in read.items() if name.endswith("_total")} == {
        "pinlater_enqueue_total": 3,
        "pinlater_dequeue_total": 2,
        "pinlater_ack_succeeded_total": 1,
        "pinlater_ack_failed_total": 1,
        "pinlater_ack_noop_total": 1,
    }
    assert re.search(r'^pinlater_jobs\{queue="read_by_prometheus",state="ready"\} 2.0$', text, flags=re.MULTILINE)
    assert read["pinlater_dequeue_delay_ms_count"] == "2.0"


def test_labels_are_bounded() -> None:
    pytest.importorskip("prometheus_client")
    from aragog.metrics import QueueLabels

    labels = QueueLabels(2)
    assert [labels.of(name) for name in ("a", "b", "c", "a", "crawl_1", "crawl_2")] == [
        "a", "b", "other", "a", "crawl_*", "crawl_*",
    ]  # fmt: skip


def test_the_example_of_the_documentation_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "pinlater.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    with service(environment(data_dir=str(tmp_path)), "pinlater") as address:
        asyncio.run(names["example"](address))
        env = environment(data_dir=str(tmp_path), pinlater_service=address)
        assert Queues(env).said("show", "mail")[0]["succeeded"] == 1
    assert capsys.readouterr().out == "mail:s1:p1:1 b'to: ann'\n"


def test_the_files_of_the_documentation_are_good() -> None:
    text = (Path(__file__).parents[2] / "docs" / "pinlater.md").read_text()
    queues_file, shards_file = re.findall(r"^```toml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert queue_limits.parse(queues_file, "queues.toml").of("report_daily").is_paused
    assert shard_file.parse(shards_file, "shards.toml")["2"].dequeue_only
