"""Crawls that begin with sitemaps, as a user starts them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import run_aragog
from tests.support.small_web import Page, SmallWeb, small_web

XML = "application/xml"


def urlset(*urls: str) -> str:
    return "<urlset>" + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>"


def index(*urls: str) -> str:
    entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>'


PAGES = {f"a.test/{name}": Page(f"<title>{name}</title><p>Text of {name}.") for name in ("1", "2", "3", "4", "denied")}


@pytest.fixture
def web() -> Iterator[SmallWeb]:
    pages = {
        "a.test/robots.txt": Page(
            "User-agent: *\nDisallow: /denied\nSitemap: http://a.test/index.xml\nSitemap: /more.txt", "text/plain"
        ),
        "a.test/index.xml": Page(
            index(
                "http://a.test/pages.xml.gz", "http://a.test/index.xml", "http://b.test/other.xml", "http://a.test/gone"
            ),
            XML,
        ),
        "a.test/pages.xml.gz": Page(
            gzip.compress(
                urlset("http://a.test/1", "http://a.test/2", "http://b.test/1", "http://a.test/denied").encode()
            ),
            "application/gzip",
        ),
        "a.test/more.txt": Page("http://a.test/3\nhttp://a.test/1#again\n", "text/plain"),
        "b.test/sitemap.xml": Page(urlset("http://b.test/1"), XML),
        "b.test/1": Page("<title>b</title>"),
        **PAGES,
    }
    with small_web(pages) as served:
        yield served


def crawl(env: Mapping[str, str], *arguments: str) -> tuple[dict[str, Any], str]:
    done = run_aragog(env, "crawl", "--json", "--depth", "0", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_the_sitemaps_that_robots_txt_names_seed_a_crawl_within_its_scope(web: SmallWeb, tmp_path: Path) -> None:
    ended, told = crawl(web.settings(tmp_path), "--sitemap", "auto", "http://a.test/4")
    assert ended["outcomes"] == {"fetched": 4, "robots_denied": 1}
    pages = ["a.test/1", "a.test/2", "a.test/3", "a.test/4"]
    maps = ["a.test/gone", "a.test/index.xml", "a.test/more.txt", "a.test/pages.xml.gz"]
    assert sorted(web.asked()) == sorted(pages + maps), "each once, nothing of another host, nothing that is denied"
    assert "http://a.test/gone: http_status" in told


def test_without_a_name_in_robots_txt_it_is_looked_for_where_sites_have_it(web: SmallWeb, tmp_path: Path) -> None:
    ended, _ = crawl(web.settings(tmp_path), "--sitemap", "auto", "http://b.test/1")
    assert ended["outcomes"] == {"fetched": 1}
    assert sorted(web.asked()) == ["b.test/1", "b.test/sitemap.xml"]


def test_a_sitemap_alone_is_enough_and_the_same_command_is_the_same_wish(web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path)
    ended, _ = crawl(env, "--sitemap", "http://a.test/more.txt")
    assert ended["outcomes"] == {"fetched": 2}
    again, _ = crawl(env, "--sitemap", "http://a.test/more.txt")
    assert again["id"] == f"{ended['id']}_2", "the first one is over"


def test_a_sitemap_that_is_denied_is_told_and_the_crawl_goes_on(web: SmallWeb, tmp_path: Path) -> None:
    web.pages["a.test/robots.txt"] = Page("User-agent: *\nDisallow: /*.xml", "text/plain")
    ended, told = crawl(web.settings(tmp_path), "--sitemap", "http://a.test/index.xml", "http://a.test/4")
    assert ended["outcomes"] == {"fetched": 1} and "robots_denied" in told
    assert web.asked() == ["a.test/4"]
