"""A file of an embedded data directory is lost or cut while a crawl is under way: the same command brings it all back.

That is what a power cut may do to the last writes of one of them, and a careless hand to a whole file.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes import run_aragog, start_aragog, stop
from tests.support.small_web import Page, SmallWeb, small_web
from weburl import url_key

PAGES = 40
SEED = "http://a.test/0"
#: A dead worker's jobs come back soon.
SETTINGS = {"crawl_claim_timeout_ms": "2000"}


@pytest.fixture
def web() -> Iterator[SmallWeb]:
    """Page n links to 2n + 1 and 2n + 2, and every fifth URL redirects to its page."""
    pages = {}
    for number in range(PAGES):
        links = [target for target in (2 * number + 1, 2 * number + 2) if target < PAGES]
        anchors = "".join(f'<a href="/{"r" if target % 5 == 0 else ""}{target}">x</a>' for target in links)
        pages[f"a.test/{number}"] = Page(
            f"<title>{number}</title>{anchors}<p>{number}" + "y" * 3_000, etag=f'"{number}"'
        )
        pages[f"a.test/r{number}"] = Page(status=302, location=f"/{number}")
    with small_web(pages) as serving:
        yield serving


def half_a_crawl(env: Mapping[str, str], web: SmallWeb) -> None:
    """A crawl that is killed with all that belongs to it when half of the pages were asked for."""
    process = start_aragog(env, "crawl", SEED)
    deadline = time.monotonic() + 60
    while len(web.asked()) < PAGES // 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    stop(process)


def lose(data: Path, name: str, share: float) -> None:
    """Cut the last `share` of a file; with all of it, whatever belongs to it goes, too."""
    path = data / name
    if share < 1:
        os.truncate(path, int(path.stat().st_size * (1 - share)))
        return
    for each in data.glob(f"{name}*"):
        each.unlink()


def rows(data: Path) -> set[bytes]:
    with closing(sqlite3.connect(data / "urlstore.sqlite")) as store:
        return {key for (key,) in store.execute("SELECT key FROM url_row WHERE length(page) > 0")}


def whole() -> set[bytes]:
    return {url_key(f"http://a.test/{number}") for number in range(PAGES)}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("share", [0.3, 1.0], ids=["cut", "gone"])
@pytest.mark.parametrize("name", ["pinlater.sqlite", "frontier.sqlite", "urlstore.sqlite"])
def test_the_same_command_ends_with_every_page(name: str, share: float, web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path, **SETTINGS)
    half_a_crawl(env, web)
    lose(tmp_path, f"{name}-wal" if share < 1 else name, share)
    ended = run_aragog(env, "crawl", "--json", SEED)
    assert ended.returncode == 0, ended.stderr
    assert rows(tmp_path) == whole()
    status = json.loads(ended.stdout)
    assert (status["state"], status["open"]) == ("done", 0)
    assert status["outcomes"].get("lost", 0) == 0
    assert len(_events(tmp_path)) == PAGES


def _events(data: Path) -> set[str]:
    return {json.loads(line)["url"] for line in (data / "events.jsonl").read_text().splitlines()}


@pytest.mark.timeout(400)
def test_pages_that_the_store_lost_are_told_and_fetched_anew(web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path, **SETTINGS)
    half_a_crawl(env, web)
    lose(tmp_path, "pinlater.sqlite", 1)
    (crawl,) = (each for name, each in doctor(env).items() if name.startswith("crawl "))
    assert "pinlater.sqlite is gone" in crawl["said"]
    assert not (tmp_path / "pinlater.sqlite").exists()
    assert run_aragog(env, "queue", "ls").returncode == 0  # which makes it
    (crawl,) = (each for name, each in doctor(env).items() if name.startswith("crawl "))
    assert "lost their jobs, 0 their pages" in crawl["said"] and "command again" in crawl["remedy"]
    lose(tmp_path, "urlstore.sqlite", 1)
    ended = run_aragog(env, "crawl", "--json", SEED)
    assert "are missing from the store" in ended.stderr
    assert rows(tmp_path) == whole()


@pytest.mark.timeout(400)
def test_a_url_that_nothing_names_any_more_ends_the_crawl_and_is_told(web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path, **SETTINGS)
    half_a_crawl(env, web)
    with closing(sqlite3.connect(tmp_path / "frontier.sqlite")) as frontier:
        frontier.execute("INSERT INTO frontier_entry SELECT number, ?, ? FROM frontier_crawl", (b"?" * 16, bytes(11)))
        frontier.execute("UPDATE frontier_crawl SET waiting = waiting + 1")
        frontier.commit()
    ended = run_aragog(env, "crawl", SEED)
    assert ended.returncode == 1
    assert "made no progress" in ended.stderr
    assert "1 URLs were lost with their jobs" in ended.stderr
    assert rows(tmp_path) == whole()


@pytest.mark.timeout(400)
def test_content_that_was_lost_comes_back_though_nothing_changed(web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path, **SETTINGS)
    assert run_aragog(env, "crawl", SEED).returncode == 0
    with closing(sqlite3.connect(tmp_path / "content.sqlite")) as store:
        assert store.execute("SELECT count(*) FROM content").fetchone() == (PAGES,)
        store.execute("DELETE FROM content WHERE key < x'80'")
        store.execute("UPDATE content SET blob = x'00'")
        store.commit()
    told = doctor(env)["content"]
    assert told["said"].startswith(f"of {PAGES} pages, {PAGES} have lost their content: http://a.test/")
    assert told["remedy"].startswith("fetch them again")
    assert run_aragog(env, "crawl", SEED).returncode == 0
    said = " ".join(run_aragog(env, "reextract").stdout.split())
    assert f"{PAGES} pages read" in said and "0 without content" in said
    assert doctor(env)["content"]["said"] == f"{PAGES} pages: all have theirs"


def doctor(env: Mapping[str, str]) -> dict[str, dict[str, str]]:
    said = json.loads(run_aragog(env, "doctor", "--json").stdout)
    return {each["check"]: each for each in said["findings"]}
