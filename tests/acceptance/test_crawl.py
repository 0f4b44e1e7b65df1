"""The sample web crawled in one process, and by three workers over the real engines: one code path, one result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import read_log, sample_web
from tests.support.sample_crawls import IMPATIENT, content_keys, crawl, distributed, events, requests
from tests.support.sample_web import by_url, differences, export, reaching
from testweb.expectation import load

EXPECTED = {url: each for url, each in load().items() if each.code != "invalid_url"}
LOOPS = {url for url, each in EXPECTED.items() if each.code == "too_many_redirects"}
#: Retried: the origin or the way to it fails at first, or for ever.
RETRIED = {url for url, each in EXPECTED.items() if each.outcome in ("deferred", "unavailable")} | {
    "http://busy.test/counter"
}
#: A page with a nonce: other content at every request, the same record. A version, but no event.
NONCE = "http://news.test/letter"


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("crawled")
    with sample_web(folder) as web:
        env = reaching(web, folder / "data", **IMPATIENT)
        ended = crawl(env, web)
        sink = f"file:///{folder}/data/events.jsonl"
        yield {
            "env": env,
            "web": web,
            "ended": ended,
            "sink": sink,
            "export": export(env),
            "events": events(sink),
            "log": read_log(web["log"]),
        }


def reached(crawled: dict[str, Any]) -> dict[str, Any]:
    return by_url(crawled["export"])


def test_every_url_reached_is_what_the_expectation_says(crawled: dict[str, Any]) -> None:
    rows = reached(crawled)
    known = [url for url in rows if url in EXPECTED and url not in LOOPS]
    wrong = [line for url in known for line in differences(EXPECTED[url], rows[url])]
    assert not wrong, "\n".join(wrong)


def test_every_page_that_links_lead_to_is_reached(crawled: dict[str, Any]) -> None:
    rows = reached(crawled)
    links = {
        link["url"]
        for row in rows.values()
        for link in row.get("page", {}).get("record", {}).get("outlinks", [])
        if not link["nofollow"]
    }
    missing = {url for url in links if url in EXPECTED and url not in rows}
    assert links and missing <= {"http://shop.test/p/watering-can?size=9&colour=green"}


def test_each_url_without_a_retry_case_is_requested_once(crawled: dict[str, Any]) -> None:
    pages = {url for url in EXPECTED if url not in RETRIED}
    asked = requests(crawled["log"])
    often = {url: asked[url] for url in pages if asked[url] > 1}
    # Linked as a page and shown as an image: two requests, of two kinds.
    assert {url for url in often if not url.endswith((".jpg", ".png", ".webp"))} == set()


def test_no_request_is_sent_that_robots_txt_forbids(crawled: dict[str, Any]) -> None:
    forbidden = {url for url, each in EXPECTED.items() if each.code == "robots_denied"}
    private = {url for url in requests(crawled["log"]) if "/private/" in url}
    assert not private and not forbidden & set(requests(crawled["log"]))


def test_each_publishable_page_has_one_event(crawled: dict[str, Any]) -> None:
    published = [json.loads(event) for event in crawled["events"]]
    with_a_page = {url for url, row in reached(crawled).items() if "page" in row}
    urls = [event["url"] for event in published]
    assert len(urls) == len(set(urls)) and set(urls) < with_a_page
    noindex = {
        url
        for url in with_a_page
        if any("noindex" in entry.directives and not entry.agent for entry in EXPECTED[url].robots)
    }
    assert noindex and not noindex & set(urls)


def test_a_second_crawl_of_the_unchanged_web_makes_no_version_object_or_event(crawled: dict[str, Any]) -> None:
    before = reached(crawled)
    objects = list_objects(crawled)
    ended = crawl(crawled["env"], crawled["web"])
    assert ended["pages"] == crawled["ended"]["pages"]
    after = by_url(export(crawled["env"]))
    changed = {url for url, row in after.items() if _version(row) != _version(before[url])}
    assert changed == {NONCE}
    assert len(list_objects(crawled)) == len(objects) + len(changed)
    assert events(crawled["sink"]) == crawled["events"]


def _version(row: dict[str, Any]) -> int:
    version: int = row.get("page", {}).get("version", 0)
    return version


def list_objects(crawled: dict[str, Any]) -> list[str]:
    return content_keys(Path(crawled["env"]["ARAGOG_DATA_DIR"]))


@pytest.mark.timeout(300)
def test_three_workers_on_the_real_engines_end_the_same(
    crawled: dict[str, Any],
    engine_settings: dict[str, str],
    tmp_path: Path,
) -> None:
    with sample_web(tmp_path) as web, distributed(web, tmp_path, engine_settings) as env:
        ended = crawl(env, web)
        exported = export(env)
        log = read_log(web["log"])
    assert ended["outcomes"] == crawled["ended"]["outcomes"]
    assert exported.splitlines() == crawled["export"].splitlines()
    assert events(engine_settings["events_sink"]) == crawled["events"]
    assert not list((tmp_path / "data").rglob("*.sqlite*"))
    pages = {url for url in EXPECTED if url not in RETRIED and not url.endswith((".jpg", ".png", ".webp"))}
    assert {url: count for url, count in requests(log).items() if url in pages and count > 1} == {}
