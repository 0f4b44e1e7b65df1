"""Depth: a URL found far away first, and nearer later, has its links followed as from the nearer place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import read_log, sample_web
from tests.support.sample_crawls import IMPATIENT, crawl, requests
from tests.support.sample_web import by_url, export, reaching


def distances(rows: dict[str, Any], seeds: list[str], most: int) -> set[str]:
    """The stored URLs within `most` links of a seed; a redirect's target is as far away as what redirects to it."""
    found: set[str] = set()
    frontier = set(seeds)
    for _ in range(most + 1):
        frontier |= {rows[url]["redirects_to"] for url in frontier if rows.get(url, {}).get("redirects_to")}
        found |= frontier
        pages = [rows[url]["page"] for url in frontier if "page" in rows.get(url, {})]
        links = {each["url"] for page in pages for each in page["record"]["outlinks"] if not each["nofollow"]}
        frontier = links - found
    return found


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_crawl_to_a_depth_reaches_what_is_that_near_and_nothing_else(tmp_path: Path, depth: int) -> None:
    with sample_web(tmp_path) as web:
        whole = reaching(web, tmp_path / "whole", **IMPATIENT)
        env = reaching(web, tmp_path / "data", **IMPATIENT)
        seed = {"seeds": ["http://garden.test/"]}
        crawl(whole, seed)
        before = len(read_log(web["log"]))
        crawl(env, seed, "--depth", str(depth))
        asked = requests(read_log(web["log"])[before:])
    near = distances(by_url(export(whole)), seed["seeds"], depth)
    reached = set(by_url(export(env)))
    stored = set(by_url(export(whole)))
    assert reached == near & stored
    assert max(count for url, count in asked.items() if "/images/" not in url) == 1
