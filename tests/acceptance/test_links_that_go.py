"""A re-crawl of a web that changed: links that are gone are removed from their targets' inlinks."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

from tests.support.processes import sample_web
from tests.support.sample_crawls import IMPATIENT, crawl
from tests.support.sample_web import by_url, export, reaching


def inlinks(rows: dict[str, Any]) -> dict[str, set[str]]:
    """URL -> the pages that the store says link to it."""
    return {url: {link["url"] for link in row["inlinks"]} for url, row in rows.items()}


def outlinks(rows: dict[str, Any]) -> dict[str, set[str]]:
    """URL -> the pages whose current record links to it, among the URLs that are stored; themselves aside."""
    found: dict[str, set[str]] = {url: set() for url in rows}
    for url, row in rows.items():
        for link in [] if row.get("redirects_to") else row.get("page", {}).get("record", {}).get("outlinks", []):
            if link["url"] in found and link["url"] != url:
                found[link["url"]].add(url)
    return found


def set_epoch(web: dict[str, Any], epoch: int) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{web['port']}/-/epoch/{epoch}", method="POST", headers={"Host": "control.test"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status < 300


def test_inlinks_are_what_the_stored_pages_say_after_every_crawl_of_a_web_that_changes(tmp_path: Path) -> None:
    with sample_web(tmp_path) as web:
        env = reaching(web, tmp_path / "data", **IMPATIENT)
        graphs = []
        for epoch in (0, 1, 2):
            set_epoch(web, epoch)
            crawl(env, web)
            rows = by_url(export(env))
            assert inlinks(rows) == outlinks(rows)
            graphs.append(inlinks(rows))
    assert any(graphs)
    assert graphs[0] != graphs[1], "the sample web's links don't change: this test shows nothing"
