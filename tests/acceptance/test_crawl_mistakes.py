"""Mistakes of a newcomer with a crawl: a clear error, the right exit code, and the same command continues."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.engines import small_file_system
from tests.support.many_hosts import Shape, Web, many_hosts
from tests.support.processes import environment, run_aragog, start_aragog, stop
from tests.support.sample_crawls import content_keys

FEW = Shape(bytes=3_000, links=6, pages=20)
MANY = Shape(bytes=3_000, links=12, pages=150)
COMMAND = ("crawl", "--scope", "host", "--json", "http://h1.test/1")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with many_hosts(tmp_path / "web", FEW) as served:
        yield served


def pages_of(env: Mapping[str, str]) -> list[str]:
    done = run_aragog(env, "store", "export", "--sorted", "--no-timing")
    assert done.returncode == 0, done.stderr
    return [row["url"] for row in map(json.loads, done.stdout.splitlines()) if "page" in row]


def test_rubbish_in_a_seed_file_is_named_by_its_line_and_the_rest_is_crawled(web: Web, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.txt"
    lines = [
        b"# my favourite sites",
        b"http://h1.test/1",
        b"",
        b"http://[broken",
        b"mailto:someone@h1.test",
        b"\xff\xfe\x00 not text",
        b"  http://h2.test/2  ",
        b"http://h1.test/1",
        b"gopher://h1.test/",
        b"http://" + b"a" * 70_000,
    ]
    seeds.write_bytes(b"\n".join(lines))
    env = web.settings(tmp_path / "data")
    done = run_aragog(env, "crawl", "--json", "--depth", "0", "--file", str(seeds))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcomes"] == {"fetched": 2}
    told = [line for line in done.stderr.splitlines() if f"{seeds}:" in line]
    numbers = [line.partition(f"{seeds}:")[2].partition(":")[0] for line in told]
    assert numbers == ["4", "5", "6", "9", "10"] and "Traceback" not in done.stderr
    assert all(len(line) < 1_000 for line in told)
    assert pages_of(env) == ["http://h1.test/1", "http://h2.test/2"]


def test_a_seed_on_the_command_line_that_is_no_url_is_named(web: Web, tmp_path: Path) -> None:
    done = run_aragog(web.settings(tmp_path / "data"), "crawl", "--depth", "0", "garden", "http://h1.test/1")
    assert done.returncode == 0 and "'garden'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["http://[broken"], "no seeds"),
        (["--file", "/nonexistent/seeds.txt"], "/nonexistent/seeds.txt"),
        (["--scope", "galaxy", "http://h1.test/"], "galaxy"),
        (["--max-pages", "0", "http://h1.test/"], "max_pages"),
        (["--depth", "-1", "http://h1.test/"], "max_depth"),
        (["show", "nosuchcrawl"], "nosuchcrawl"),
        (["pause", "nosuchcrawl"], "nosuchcrawl"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, arguments: list[str], named: str) -> None:
    done = run_aragog(environment(data_dir=str(tmp_path / "data")), "crawl", *arguments)
    assert done.returncode in (1, 2), done.stdout
    assert named in done.stderr and "Traceback" not in done.stderr


def test_a_second_crawl_of_a_locked_data_directory_is_told_who_holds_it(web: Web, tmp_path: Path) -> None:
    env = web.settings(tmp_path / "data", ratelimiter_qps="0.1")  # it can't end while the others are looked at
    first = start_aragog(env, "crawl", "http://h1.test/1")
    try:
        lock = tmp_path / "data" / "owner.lock"
        wait_for(lambda: lock.exists() and lock.read_text().strip() == str(first.pid))
        second = run_aragog(env, "crawl", "http://h2.test/1")
        assert second.returncode == 1
        assert str(first.pid) in second.stderr and "Traceback" not in second.stderr
        listed = run_aragog(env, "crawl", "ls", "--json")
        assert listed.returncode == 0, listed.stderr
    finally:
        assert stop(first) == 1
    after = run_aragog(env, "crawl", "--json", "--depth", "0", "http://h2.test/1")
    assert json.loads(after.stdout)["outcomes"] == {"fetched": 1}


def test_ctrl_c_stops_cleanly_says_how_to_go_on_and_the_same_command_does(web: Web, tmp_path: Path) -> None:
    env = web.settings(tmp_path / "data", ratelimiter_qps="20")
    slow = env | {"ARAGOG_RATELIMITER_QPS": "1"}  # its twenty pages take longer than we need to see the fourth
    first = start_aragog(slow, *COMMAND)
    wait_for(lambda: stored_pages(tmp_path / "data") > 3)
    first.send_signal(signal.SIGINT)
    out, told = first.communicate(timeout=30)
    assert first.returncode == 1 and "the same command continues" in told and "Traceback" not in told
    assert 3 < json.loads(out)["pages"] < FEW.pages
    again = run_aragog(env, *COMMAND)
    assert again.returncode == 0 and json.loads(again.stdout)["pages"] == FEW.pages
    requested = [path for _, _, path in web.log().requests if path != "/robots.txt"]
    assert len(requested) == len(set(requested)) == FEW.pages


def test_a_disk_that_fills_up_in_mid_crawl_stops_it_and_the_same_command_ends_it(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "disk", 48) as disk, many_hosts(tmp_path / "web", MANY) as web:
        env = web.settings(disk / "data", ratelimiter_qps="30")
        crawl = start_aragog(env, *COMMAND)
        wait_for(lambda: stored_pages(disk / "data") > 5)
        filler = disk / "filler"
        fill(filler, crawl)
        out, told = crawl.communicate(timeout=60)
        assert crawl.returncode == 1, out
        assert "Traceback" not in told and "make room" in told, told
        assert 5 < stored_pages(disk / "data") < MANY.pages
        filler.unlink()
        again = run_aragog(env, *COMMAND)
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["outcomes"] == {"fetched": MANY.pages}
        assert pages_of(env) == sorted(f"http://h1.test/{number}" for number in range(MANY.pages))


def fill(filler: Path, crawl: subprocess.Popen[str]) -> None:
    """Leave no byte, as long as the crawl runs: what it gives back is taken at once."""
    with filler.open("wb", buffering=0) as file:
        while crawl.poll() is None:
            with suppress(OSError):
                while True:
                    file.write(b"\0" * 512)
            time.sleep(0.01)


def stored_pages(data: Path) -> int:
    return len(content_keys(data))


def wait_for(holds: object, seconds: float = 100) -> None:
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
