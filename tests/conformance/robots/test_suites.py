"""robots.txt as Google, the RFC and crawler-commons read it; CONFLICTS.json says whom we follow where they differ."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import weburl
from fetcher.robots.reading import group_for, lines_of
from fetcher.robots.rules import RobotsRules
from thrift_idl.errors import InvalidUrl

ROOT = Path(os.environ.get("ARAGOG_CONFORMANCE_DIR") or Path(__file__).parents[3] / ".." / "shared" / "conformance")

# By CONFLICTS.json these aren't counted.
CONFLICTS = {"google-063", "google-065", "google-066", "rfc9309-28"}
# crawler-commons wants these otherwise; the target leaves room for seven.
MISSES = {
    "cc-274": "HTML tags within the lines",
    "cc-280": "a whole User-Agent header where a product token is asked for",
    "cc-281": "a whole User-Agent header where a product token is asked for",
    "cc-282": "a whole User-Agent header where a product token is asked for",
    "cc-305": "a name of two words: Google takes the first (google-040)",
    "cc-312": "a huge crawl delay denies all: with us it delays",
}


def cases(name: str) -> list[dict[str, Any]]:
    path = ROOT / "robots" / name
    if not path.exists():
        pytest.skip(f"no conformance vectors at {path}: set ARAGOG_CONFORMANCE_DIR", allow_module_level=True)
    return json.loads(path.read_text(encoding="utf-8"))["cases"]


GOOGLE = [case for case in cases("google_robotstxt.json") if case["id"] not in CONFLICTS]
RFC = [case for case in cases("rfc9309.json") if case["id"] not in CONFLICTS]
COMMONS = [c for c in cases("crawler_commons.json") if c["exact_match"] and len(c["user_agents"]) == 1]


def target_of(url: str) -> str:
    try:
        return weburl.split(url).target
    except InvalidUrl:  # some of Google's are only a path, or nothing
        return "/" + url.partition("://")[2].partition("/")[2] if "://" in url else url or "/"


def content_of(case: dict[str, Any]) -> bytes:
    return base64.b64decode(case["robots_b64"]) if "robots_b64" in case else case["robots"].encode()


def wrong(suite: list[dict[str, Any]]) -> Iterator[str]:
    for case in suite:
        agent = case.get("user_agent") if "user_agent" in case else case["user_agents"][0]
        verdict = RobotsRules(content_of(case), agent).verdict(target_of(case["url"]))  # type: ignore[arg-type]  # a test's business
        assert not verdict.flag
        if verdict.allowed != case["allowed"]:
            yield case["id"]


def test_google_142_of_142() -> None:
    assert len(GOOGLE) == 142
    assert list(wrong(GOOGLE)) == []


def test_rfc_40_of_40() -> None:
    assert len(RFC) == 40
    assert list(wrong(RFC)) == []


def test_crawler_commons_306_of_312() -> None:
    assert len(COMMONS) == 312
    assert set(wrong(COMMONS)) == set(MISSES)


def test_crawl_delays_of_crawler_commons() -> None:
    asked = [case for case in cases("crawler_commons_aux.json") if case["kind"] == "crawl_delay_ms"]
    asked = [case for case in asked if case["exact_match"] and len(case["user_agents"]) == 1]
    delays = [(group_for(list(lines_of(content_of(case))), case["user_agents"][0]), case) for case in asked]
    wrong = {(c["test"], c["user_agents"][0]) for group, c in delays if group.crawl_delay_ms != c["expected"]}
    assert len(asked) == 17
    # HTML tags, and a whole header for a token, as above.
    assert {test for test, _ in wrong} == {"testHtmlMarkupInRobotsTxt", "testHeritrixCases"}
