"""Sitemaps from bytes: what they say, and what hostile ones can't do."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from crawler.seeds.sitemaps import MAX_BYTES, MAX_ENTRIES, SitemapEntry, lastmod_ms, read_sitemap

NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
PLAIN = f"""<?xml version="1.0" encoding="UTF-8"?>
<urlset {NS} xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
 <url><loc> http://a.test/x?a=1&amp;b=2 </loc><lastmod>2026-11-02</lastmod>
  <image:image><image:loc>http://a.test/i.png</image:loc></image:image></url>
 <url><loc>HTTP://A.test/y#part</loc></url>
 <url><loc>http://a.test/y</loc></url>
 <url><loc>javascript:alert(1)</loc></url>
 <url><lastmod>2026</lastmod></url>
</urlset>"""


def urls(sitemap) -> list[str]:
    return [entry.url for entry in sitemap.entries]


def test_urls_come_in_request_form_each_once_with_their_dates() -> None:
    found = read_sitemap(PLAIN.encode())
    day_ms = 1_793_577_600_000  # 2026-11-02 UTC
    assert found.entries == (SitemapEntry("http://a.test/x?a=1&b=2", day_ms), SitemapEntry("http://a.test/y"))
    assert not found.is_index and not found.flags


def test_gzip_and_a_byte_order_mark_make_no_difference() -> None:
    expected = read_sitemap(PLAIN.encode()).entries
    assert read_sitemap(gzip.compress(PLAIN.encode())).entries == expected
    assert read_sitemap(b"\xef\xbb\xbf" + PLAIN.encode()).entries == expected
    assert read_sitemap(PLAIN.replace("UTF-8", "UTF-16").encode("utf-16")).entries == expected


def test_an_index_names_sitemaps() -> None:
    text = f"<sitemapindex {NS}><sitemap><loc>http://a.test/1.xml.gz</loc></sitemap></sitemapindex>"
    found = read_sitemap(text.encode())
    assert found.is_index and urls(found) == ["http://a.test/1.xml.gz"]


def test_text_is_one_url_a_line() -> None:
    found = read_sitemap(b"\xef\xbb\xbfhttp://a.test/1\r\n\r\nno url\nhttp://a.test/2\n" + b"x" * 100_000)
    assert urls(found) == ["http://a.test/1", "http://a.test/2"] and not found.flags


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        (PLAIN.replace("</urlset>", "<oops"), "bad_xml"),
        ("<html><body>not found</body></html>", "no_sitemap"),
        ("<a>" * 100, "no_sitemap"),
        (f"<urlset {NS}>" + "<x>" * 100, "too_deep"),
        ('<?xml version="1.0" encoding="klingon"?><urlset/>', "bad_xml"),
    ],
)
def test_a_fault_ends_the_reading_and_says_why(text, flag) -> None:
    assert read_sitemap(text.encode()).flags == (flag,)


def test_what_came_before_a_fault_counts() -> None:
    assert len(read_sitemap(PLAIN.replace("</urlset>", "<oops").encode()).entries) == 2
    assert read_sitemap(gzip.compress(PLAIN.encode())[:-20]).flags == ("bad_gzip",)


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "http://evil.test/x.dtd"> %a;',
    ],
)
def test_no_entity_is_expanded_or_fetched(declared) -> None:
    text = f"<!DOCTYPE urlset [{declared}]><urlset><url><loc>http://a.test/&a;</loc></url></urlset>"
    assert read_sitemap(text.encode()) == read_sitemap(b"<!DOCTYPE u [<!ENTITY a ''>]><u/>")
    assert read_sitemap(text.encode()).flags == ("entities",)


def test_fifty_thousand_entries_are_taken_and_no_more() -> None:
    lines = "\n".join(f"http://a.test/{number}" for number in range(MAX_ENTRIES))
    assert (len(read_sitemap(lines.encode()).entries), read_sitemap(lines.encode()).flags) == (MAX_ENTRIES, ())
    assert read_sitemap(f"{lines}\nhttp://a.test/more".encode()).flags == ("too_many",)


def test_a_bomb_is_read_in_steps_up_to_the_limit() -> None:
    bomb = gzip.compress(b"<urlset>" + b" " * (MAX_BYTES + 1), compresslevel=1)
    tracemalloc.start()
    assert read_sitemap(bomb).flags == ("too_large",)
    assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    tracemalloc.stop()


def test_an_address_longer_than_any_url_is_passed_over() -> None:
    text = f"<urlset><url><loc>http://a.test/{'x' * 100_000}</loc></url><url><loc>http://a.test/y</loc></url></urlset>"
    assert urls(read_sitemap(text.encode())) == ["http://a.test/y"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026", 1_767_225_600_000),
        ("2026-11", 1_793_491_200_000),
        ("2026-11-02T00:00Z", 1_793_577_600_000),
        ("2026-11-02T01:00:00.5+01:00", 1_793_577_600_500),
        ("2026-13-02", 0),
        ("yesterday", 0),
        ("1901-01-01", 0),
        ("9" * 100, 0),
    ],
)
def test_dates_as_the_w3c_writes_them(text, expected) -> None:
    assert lastmod_ms(text) == expected
