"""Costs of a hostile sitemap are bounded: counted, not timed."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

import weburl
from crawler.frontier.scope import CrawlScope
from crawler.seeds.sitemap_seeds import MAX_FILES, SitemapSeeds
from crawler.seeds.sitemaps import MAX_ENTRIES, MAX_PARTS, read_sitemap
from thrift_idl.errors import Unavailable
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchRequest, FetchResult

MIB = 1024 * 1024
HOSTILE = {
    "lines of one letter": b"x\n" * (5 * MIB),
    "lines that are nearly URLs": b"http://[\n" * MIB,
    "one URL again and again": b"http://a.test/x\n" * MIB,
    "names of other scripts": ("http://%s.test/\n" % ("ä" * 50)).encode() * 80_000,
    "locs of one letter": b"<urlset>" + b"<url><loc>x</loc></url>" * 400_000,
    "locs that are the same": b"<urlset>" + b"<url><loc>http://a.test/</loc></url>" * 200_000,
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were taken for URLs."""
    found: list[str] = []

    def request_form(text: str, real: Callable[[str], str] = weburl.request_form) -> str:
        found.append(text)
        return real(text)

    monkeypatch.setattr(weburl, "request_form", request_form)
    return found


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("packed", [False, True])
def test_entries_count_whatever_they_are_worth(name: str, packed: bool, parsed: list[str]) -> None:
    content = gzip.compress(HOSTILE[name], 1) if packed else HOSTILE[name]
    found = read_sitemap(content)
    assert found.flags == ("too_many",)
    assert len(found.entries) + found.useless == MAX_ENTRIES
    assert len(parsed) <= MAX_ENTRIES


def test_a_url_that_follows_itself_is_parsed_once(parsed: list[str]) -> None:
    found = read_sitemap(b"http://a.test/x\n" * 1_000)
    assert (len(found.entries), found.useless, len(parsed)) == (1, 999, 1)


@pytest.mark.parametrize(
    ("content", "flag"),
    [
        (b"<urlset>" + b"<a/>" * (MAX_PARTS + 1), "too_many"),
        (b"<urlset>" + b"<a b='' c='' d='' e=''/>" * (MAX_PARTS // 5 + 1), "too_many"),
        (b"<urlset>" + b"".join(b"<a%d/>" % number for number in range(100_000)), "bad_xml"),
        (b"<urlset " + b" " * 3 * MIB, "bad_xml"),
        (b"<urlset " + b"".join(b"a%d='' " % number for number in range(300_000)), "bad_xml"),
        (b"<urlset><!--" + b"x" * 3 * MIB, "bad_xml"),
        (b"<!DOCTYPE urlset [<!ATTLIST a b CDATA 'x'>]><urlset/>", "entities"),
    ],
    ids=["elements", "attributes", "names", "a tag", "a tag of attributes", "a comment", "default attributes"],
)
def test_what_stands_around_entries_is_bounded(content: bytes, flag: str) -> None:
    assert read_sitemap(content).flags == (flag,)


def test_a_namespace_of_a_megabyte_comes_with_no_name() -> None:
    text = f"<urlset xmlns='{'x' * 900_000}'><url><loc>http://a.test/1</loc></url></urlset>"
    assert [entry.url for entry in read_sitemap(text.encode()).entries] == ["http://a.test/1"]


class Web:
    """A fetcher's answers, by URL; what isn't there is unavailable."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self._pages = pages
        self.asked: list[str] = []

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.asked.append(request.url)
        if request.url not in self._pages:
            raise Unavailable("away", code="connect", delay_ms=1)
        return FetchResult(
            url=request.url,
            status=200,
            headers=(),
            content=self._pages[request.url],
            chain=(),
            media_type="text/plain",
            charset="",
            began_ms=1,
            latency_ms=1.0,
            flags=(),
        )


def index(*urls: str) -> bytes:
    return (
        "<sitemapindex>" + "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls) + "</sitemapindex>"
    ).encode()


async def seeds_of(web: Web, *roots: str) -> tuple[list[str], list[str]]:
    """The seeds in order, and what was told."""
    told: list[str] = []
    seeds = SitemapSeeds(web, roots, (), Context("test"), lambda url, what: told.append(f"{url}: {what}"))  # type: ignore[arg-type]
    return [each.url async for some in seeds.source(CrawlScope.of("any", ())) for each in some], told


async def test_a_domain_of_junk_is_set_aside_and_the_others_go_on() -> None:
    names = [f"http://junk.test/{number}.txt" for number in range(20)]
    pages = dict.fromkeys(names, b"x\n" * (MAX_ENTRIES + 1))
    web = Web({**pages, "http://junk.test/": index(*names), "http://good.test/": b"http://good.test/1"})
    seeds, told = await seeds_of(web, "http://junk.test/", "http://good.test/")
    assert seeds == ["http://good.test/1"]
    assert len(web.asked) == 4, "two of the junk, its index, and the good one"
    assert any("set aside with 17 others" in line for line in told)


async def test_sitemaps_that_cannot_be_had_are_so_many_and_no_more() -> None:
    names = [f"http://gone.test/{number}" for number in range(500)]
    web = Web({"http://gone.test/": index(*names), "http://good.test/": b"http://good.test/1"})
    seeds, _ = await seeds_of(web, "http://gone.test/", "http://good.test/")
    assert seeds == ["http://good.test/1"]
    assert len(set(web.asked)) == 22


async def test_one_domain_has_so_many_files() -> None:
    names = [f"http://a.test/{number}" for number in range(MAX_FILES + 50)]
    web = Web({"http://a.test/": index(*names), **dict.fromkeys(names, b"http://a.test/page")})
    assert len((await seeds_of(web, "http://a.test/"))[0]) == MAX_FILES - 1
