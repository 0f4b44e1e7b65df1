"""`aragog extract URL`: fetched as politely as `aragog fetch` does, and nothing stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.page_record_schema import check
from tests.support.processes import read_log, run_aragog, sample_web
from tests.support.sample_web import export, reaching

URL = "http://garden.test/articles/tomatoes"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with sample_web(tmp_path_factory.mktemp("web")) as served:
        yield served


def test_a_url_gives_the_record_that_fetch_would_store(web: dict[str, Any], tmp_path: Path) -> None:
    env = reaching(web, tmp_path / "data")
    done = run_aragog(env, "extract", "--json", URL)
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    assert {each["field"] for each in record.pop("evidence")} >= {"card.title", "card.language"}
    check(record)
    asked = [entry["path"] for entry in read_log(web["log"]) if entry["host"] == "garden.test"]
    assert asked == ["/robots.txt", "/articles/tomatoes"]
    assert export(env) == b""
    assert run_aragog(env, "fetch", URL).returncode == 0
    (stored,) = [json.loads(line) for line in export(env).splitlines()]
    assert stored["page"]["record"] == record


def test_what_keeps_a_url_from_being_fetched_is_said(web: dict[str, Any], tmp_path: Path) -> None:
    env = reaching(web, tmp_path / "data")
    done = run_aragog(env, "extract", "--json", "--patience-ms", "0", "http://169.254.169.254/latest/", URL)
    assert done.returncode == 1
    assert "169.254.169.254" in done.stderr and "Traceback" not in done.stderr
    assert json.loads(done.stdout)["title"]


def test_a_bad_setting_is_named_where_a_url_is_fetched(tmp_path: Path) -> None:
    done = run_aragog({"ARAGOG_RATELIMITER_QPS": "fast"}, "extract", URL)
    assert done.returncode != 0 and "ratelimiter.qps" in done.stderr
