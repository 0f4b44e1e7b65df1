"""A page, its server and its links carry everything that could drive a terminal; no command lets any of it through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from aragog.assembly.scheduling import visited_pinlater
from aragog.harmless_text import HARMFUL, HARMFUL_RANGES
from aragog.settings import load
from tests.support.pinlater_caller import Caller, jobs_of
from tests.support.processes import environment, run_aragog
from tests.support.small_web import Page, small_web

#: Of each kind of harm; a page can hold no lone surrogate, and of U+0000 HTML makes U+FFFD.
HARM = "".join(chr(first or 1) for first, _ in HARMFUL_RANGES if first != 0xD800)
MARK = f"\x1b[31m[red]A\x9b31m\u202eZ{HARM}[/red]"
#: As the bytes of a header, which `http.server` writes as Latin-1.
IN_HEADER = MARK.replace("\x0b", "").encode().decode("latin-1")

PAGE = f"""<!doctype html><html lang="{MARK}"><head><meta charset="utf-8"><title>{MARK}</title>
<meta name="description" content="{MARK}"><meta name="author" content="{MARK}"><meta name="robots" content="{MARK}">
<meta property="og:title" content="{MARK}"><meta property="og:site_name" content="{MARK}">
<meta property="og:image" content="/i{MARK}.png"><meta property="og:{MARK}" content="{MARK}">
<meta name="twitter:title" content="{MARK}"><link rel="canonical" href="/c{MARK}">
<script type="application/ld+json">{json.dumps({"@type": "Article", "headline": MARK, "author": MARK})}</script>
</head><body><h1>{MARK}</h1><p>{MARK}</p><a rel="{MARK}" href="/gone?{MARK}">{MARK}</a> <a href="/moved">{MARK}</a>
<a href="/typed">{MARK}</a><a href="/{MARK}">{MARK}</a><img src="/i{MARK}" alt="{MARK}"></body></html>"""
ROBOTS = f"User-agent: *\nDisallow: /denied{MARK}\nDisallow: /denied\nSitemap: http://a.test/{MARK}\n"


URL = "http://a.test/"
MOVED = "http://a.test/moved"
STRANGE = f"http://a.test/{MARK}"


def pages() -> dict[str, Page]:
    return {
        "a.test/": Page(PAGE),
        "a.test/robots.txt": Page(ROBOTS, "text/plain"),
        "a.test/moved": Page(status=302, location=f"http://a.test/to{IN_HEADER}"),
        "a.test/typed": Page("x", f"{IN_HEADER}/{IN_HEADER}; charset={IN_HEADER}"),
    }


def checked(env: Mapping[str, str], *command: str) -> str:
    """The output of a command, checked to be harmless."""
    done = run_aragog(env, *command)
    for said in (done.stdout, done.stderr):
        found = HARMFUL.search(said)
        assert found is None, f"{command}: {found} in {said!r}"
    assert done.stdout + done.stderr and "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment to look at the web of these pages, which has been crawled."""
    with small_web(pages()) as web:
        env = web.settings(tmp_path_factory.mktemp("crawled") / "data", crawl_max_tries="1") | {"COLUMNS": "200"}
        checked(env, "crawl", URL, "http://a.test/typed", "http://a.test/denied", f"no URL {MARK}")
        yield env


@pytest.mark.parametrize(
    "command",
    [
        ("crawl", "--json", STRANGE, f"no URL {MARK}"),
        ("crawl", "ls"),
        ("fetch", URL, MOVED, "http://a.test/typed", "http://a.test/denied", STRANGE, f"http://{MARK}/", f"{MARK}:x"),
        ("fetch", URL, MOVED, "http://a.test/typed", "http://a.test/denied", STRANGE, f"{MARK}:x", "--json"),
        ("explain", MOVED),
        ("explain", f"http://a.test/denied{MARK}"),
        ("explain", f"http://a.test/denied{MARK}", "--json"),
        ("lookup", STRANGE),
        ("lookup", "http://a.test/typed", "--json"),
        ("links", URL),
        ("links", URL, "--json"),
        ("links", "--in", MOVED),
        ("links", "--in", MOVED, "--json"),
        ("store", "export"),
        ("store", "export", "--sorted"),
        ("reextract",),
        ("politeness", "verify"),
        ("queue", "show", MARK),
        ("ping", f"{MARK}:1"),
        ("limits", "check", f"/{MARK.replace('/', '')}"),
    ],
    ids=lambda command: "_".join(each for each in command if each.isascii() and each.isprintable())[:60],
)
def test_no_command_lets_it_through(env: Mapping[str, str], command: tuple[str, ...]) -> None:
    checked(env, *command)


def test_the_urls_that_failed_are_told_harmlessly(env: Mapping[str, str]) -> None:
    crawl_id = json.loads(checked(env, "crawl", "ls", "--json").splitlines()[0])["id"]
    checked(env, "crawl", "show", crawl_id)
    checked(env, "crawl", "show", "--failed", crawl_id)


def test_a_page_is_shown_as_it_is_in_escapes(env: Mapping[str, str]) -> None:
    assert "[red]A\\x9b31m" in checked(env, "lookup", URL).replace("\n", "")
    record = json.loads(checked(env, "lookup", URL, "--json"))["row"]["page"]["record"]
    assert "[red]A\x9b31m\u202eZ" in record["title"]


@pytest.mark.parametrize(
    "command",
    [
        ("extract", "page.html"),
        ("extract", "page.html", "--why"),
        ("extract", "page.html", "--json"),
        ("robots", "check", "--robots", "robots.txt", f"http://a.test/denied{MARK}"),
        ("robots", "check", "--robots", "robots.txt", "--jsonl", f"http://a.test/denied{MARK}"),
        ("url", "parse", f"x:{MARK}"),
        ("url", "normalize", f"http://[{MARK}"),
        ("limits", "show", "a.test", "--file", "limits.toml"),
        ("limits", "show", "a.test", "--file", "limits.toml", "--json"),
    ],
    ids=lambda command: "_".join(each for each in command if each.isascii() and each.isprintable()),
)
def test_nor_do_files_and_filters(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "robots.txt").write_text(ROBOTS)
    note = json.dumps(MARK.replace("\U000e0000", ""))  # TOML's strings have the escapes of JSON, but no pairs of them
    (tmp_path / "limits.toml").write_text(f'[domains."a.test"]\nqps = 1\nnote = {note}\n')
    files = {each: str(tmp_path / each) for each in ("page.html", "robots.txt", "limits.toml")}
    settings = environment(data_dir=str(tmp_path / "data")) | {"COLUMNS": "200"}
    checked(settings, *(files.get(each, each) for each in command))


def test_nor_do_the_bodies_of_jobs(tmp_path: Path) -> None:
    settings = environment(data_dir=str(tmp_path)) | {"COLUMNS": "200"}
    asyncio.run(_enqueued(settings, MARK))
    assert "[red]A\\x9b31m" in checked(settings, "queue", "peek", "mail").replace("\n", "")
    assert json.loads(checked(settings, "queue", "peek", "mail", "--json"))["body"] == MARK


async def _enqueued(settings: Mapping[str, str], body: str) -> None:
    """A job in the queue `mail`."""
    async with visited_pinlater(load(settings)) as pinlater:
        worker = Caller(pinlater, queue="mail")
        await worker.create()
        await worker.enqueue(jobs_of(body))
