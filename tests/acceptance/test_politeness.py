"""`aragog politeness verify`: the promise, proved from what real processes left on record."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ratelimiter.ledger.reading import Condition, grants, ledger_files
from tests.support.ledger_records import WALL_MS, entry, write_file
from tests.support.processes import environment, run_aragog, sample_web, start_aragog, stop
from tests.support.sample_web import reaching
from thrift_idl.errors import AragogError
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveRequest
from thrift_idl.rpc import Channel


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with sample_web(tmp_path_factory.mktemp("web")) as served:
        yield served


@pytest.fixture(scope="module")
def crawled(web: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A crawl killed in the middle, and its successor that went on to the end; their settings."""
    env = reaching(web, tmp_path_factory.mktemp("crawled"), crawl_give_up_ms="2000", crawl_backoff_ms="300")
    command = ("crawl", "--scope", "any", "--json", *web["seeds"])
    first, deadline = start_aragog(env, *command), time.monotonic() + 60
    while not web["log"].exists() or web["log"].read_text().count("\n") < 40:
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    assert stop(first, signal.SIGKILL) == -signal.SIGKILL
    done = run_aragog(env, *command)
    assert done.returncode == 0, done.stderr
    return env


def verify(env: dict[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    done = run_aragog(env, "politeness", "verify", "--json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_of_a_crawl_that_was_killed_and_went_on_every_limit_was_kept_and_the_sites_log_agrees(
    web: dict[str, Any], crawled: dict[str, str], tmp_path: Path
) -> None:
    picture = tmp_path / "busiest.svg"
    code, said = verify(crawled, "--access-log", str(web["log"]), "--picture", str(picture))
    assert (code, said["holds"]) == (0, True), said
    log = said["access_log"]
    assert log["requests"] == len(web["log"].read_text().splitlines())
    assert (log["ungranted"], log["crowded"], log["outside"], log["unreadable"]) == (0, 0, 0, 0)
    assert log["paired"] == log["requests"] > 80
    assert said["condition"]["unclosed"] == 1
    assert (said["windows"]["broken"], said["intervals"]["broken"]) == (0, 0)
    assert 0 < said["windows"]["worst"][0]["fullness"] <= 1
    domains = [each["domain"] for each in said["busiest"]]
    drawn = {element.text for element in ElementTree.parse(picture).iter() if element.tag.endswith("text")}
    assert set(domains[:6]) <= drawn


def test_a_request_that_nobody_granted_is_found(web: dict[str, Any], crawled: dict[str, str], tmp_path: Path) -> None:
    lines = web["log"].read_text().splitlines()
    middle = json.loads(lines[len(lines) // 2])
    rogue = tmp_path / "access.jsonl"
    rogue.write_text("\n".join([*lines, json.dumps(middle | {"host": "nobody.test", "path": "/rogue"})]) + "\n")
    done = run_aragog(crawled, "politeness", "verify", "--access-log", str(rogue))
    assert done.returncode == 1, done.stderr
    assert "1 requests had no grant" in done.stdout
    assert "no grant: nobody.test" in done.stdout


def test_two_limiters_that_both_granted_a_domain_are_found(tmp_path: Path) -> None:
    write_file(tmp_path / "one/00000001.ledger", [entry(100.0 * n) for n in range(20)])
    write_file(tmp_path / "two/00000001.ledger", [entry(100.0 * n + 50) for n in range(20)], shard="two")
    env = environment(data_dir=str(tmp_path / "data"))
    one = run_aragog(env, "politeness", "verify", str(tmp_path / "one"))
    assert one.returncode == 0, one.stderr
    assert "every limit was kept, in 20 grants to 1 domains" in one.stdout
    code, said = verify(env, str(tmp_path))
    assert (code, said["shards"], said["windows"]["worst"][0]["slots"]) == (1, ["one", "two"], 20)
    assert "limits were broken" in said["sentence"]


def test_what_cannot_be_known_is_neither_kept_nor_broken(tmp_path: Path) -> None:
    write_file(tmp_path / "one/00000001.ledger", [entry(100.0 * n) for n in range(20)], closed=False)
    write_file(tmp_path / "one/00000002.ledger", [entry(5_000.0)], monotonic_ms=4_000.0, wall_ms=WALL_MS + 4_000)
    env = environment(data_dir=str(tmp_path / "data"))
    done = run_aragog(env, "politeness", "verify", str(tmp_path / "one"))
    assert done.returncode == 3, done.stderr
    assert "cannot be proven" in done.stdout and "there was no lock" in done.stdout
    code, said = verify(env, str(tmp_path / "one"))
    assert (code, said["verdict"], said["holds"], len(said["doubts"])) == (3, "unproven", False, 1)
    write_file(tmp_path / "two/00000001.ledger", [entry(100.0 * n + 50) for n in range(20)], shard="two")
    assert verify(env, str(tmp_path))[1]["verdict"] == "violated"
    assert verify(env, str(tmp_path / "two"))[1]["verdict"] == "proven"


def test_a_log_of_nobody_we_know_is_refused_with_advice(tmp_path: Path) -> None:
    path = write_file(tmp_path / "00000001.ledger", [entry(0)])
    log = tmp_path / "access.log"
    log.write_text('192.0.2.1 - - [22/Nov/2026:03:38:25 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n')
    env = environment(data_dir=str(tmp_path / "data"))
    done = run_aragog(env, "politeness", "verify", str(path), "--access-log", str(log))
    assert (done.returncode, "--agent" in done.stderr) == (2, True), done.stderr
    log.write_text("what is this\n")
    done = run_aragog(env, "politeness", "verify", str(path), "--access-log", str(log))
    assert (done.returncode, "no known format" in done.stderr) == (2, True), done.stderr
    done = run_aragog(env, "politeness", "verify", str(tmp_path / "absent"))
    assert (done.returncode, "no ledger here" in done.stderr) == (2, True), done.stderr


async def _granted_until_killed(address: str, killed: asyncio.Event) -> tuple[list[str], list[str]]:
    """(domains asked for, domains granted) of many callers at once."""
    channel = Channel(address)
    client = channel.client(RateLimiter)
    asked: list[str] = []
    granted: list[str] = []

    async def caller(number: int) -> None:
        while True:
            domain = f"d{number}-{len(asked)}.com"
            asked.append(domain)
            try:
                answer = await client.reserve(ReserveRequest(Context("test"), Reservation(domain, domain)))
            except AragogError:
                return
            if answer.granted:
                granted.append(domain)
            if len(granted) > 3_000:
                killed.set()

    await asyncio.gather(*(caller(number) for number in range(64)))
    await channel.close()
    return asked, granted


async def test_a_kill_loses_no_grant_and_leaves_nothing_on_record_that_wasnt_asked_for(tmp_path: Path) -> None:
    env = environment(data_dir=str(tmp_path), ratelimiter_listen="127.0.0.1:0")
    process = start_aragog(env, "serve", "ratelimiter")
    assert process.stdout
    address = process.stdout.readline().split()[-1]
    enough = asyncio.Event()
    calling = asyncio.create_task(_granted_until_killed(address, enough))
    await enough.wait()
    stop(process, signal.SIGKILL)
    asked, granted = await calling
    condition = Condition()
    on_record = [each.entry.domain for each in grants(ledger_files([tmp_path / "ledger"], condition), condition)]
    assert len(granted) > 3_000
    assert set(on_record) <= set(asked)
    assert len(set(on_record)) == len(on_record)
    assert set(granted) <= set(on_record)
    assert len(set(on_record) - set(granted)) <= 64  # taken, and killed before the answer arrived
    assert condition.damaged == []
