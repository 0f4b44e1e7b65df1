from __future__ import annotations

import pytest

from extraction.head import HEAD_BYTES, PageHead, read_head, said_charset
from tests.unit.extraction import URL


def head(html: str) -> PageHead:
    return read_head(html.encode(), URL)


def refresh(content: str) -> str:
    return head(f'<meta http-equiv=Refresh content="{content}">').refresh


@pytest.mark.parametrize(
    "content",
    ["0;url=/x", "0; URL='/x'", "0,/x", "0 /x", " 0 ; url = /x ", "0.9;/x", ".5;url=/x", "00;url=/x", "0;url='/x' y"],
)
def test_a_refresh_without_delay_leads_on(content: str) -> None:
    assert refresh(content) == "http://site.test/x"


@pytest.mark.parametrize("content", ["5;url=/x", "0", "0;", "", "x", "url=/x", "0url=/x", "0;url=javascript:x", "1 /x"])
def test_what_is_no_refresh_or_waits_leads_nowhere(content: str) -> None:
    assert refresh(content) == ""


def test_a_refresh_in_the_body_works_as_in_browsers() -> None:
    assert head("<p>text</p><meta http-equiv=refresh content=0;url=/x>").refresh == "http://site.test/x"


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- {} -->",
        "<!-- {}",
        "<script>var s = '{}'</script>",
        "<noscript>{}</noscript>",
        "<template>{}</template>",
        "<title>{}</title>",
        "<style>{}",
    ],
)
def test_what_is_hidden_from_a_browser_is_hidden_here(hidden: str) -> None:
    html = "<link rel=canonical href=/c><meta http-equiv=refresh content=0;url=/x>"
    assert head(hidden.format(html)) == PageHead()


def test_the_canonical_link_is_absolute_on_the_first_base() -> None:
    page = "<!doctype html><title>t</title><base href=/b/><link rel='x Canonical' href='c?a=1&copy=2&amp;d'>"
    assert head(page).canonical == "http://site.test/b/c?a=1&copy=2&d"


@pytest.mark.parametrize("start", ["<body>", "<p>", "text", "</head></body>", "<img>"])
def test_a_canonical_link_after_the_head_is_none(start: str) -> None:
    assert head(f"<head>{start}<link rel=canonical href=/c>").canonical == ""


def test_only_the_first_bytes_are_looked_at() -> None:
    assert read_head(b" " * HEAD_BYTES + b"<link rel=canonical href=/c>", URL) == PageHead()


def test_other_charsets_are_decoded() -> None:
    page = "<link rel=canonical href='/é'>"
    assert read_head(page.encode("utf-16"), URL).canonical == "http://site.test/%C3%A9"
    assert read_head(page.encode("latin-1"), URL, "latin1").canonical == "http://site.test/%C3%A9"


def test_og_url_of_the_head_is_a_claim_and_one_in_the_body_is_none() -> None:
    assert head('<meta property="og:url" content="/there"><title>x</title>').og_url == "http://site.test/there"
    assert head('<p>text<meta property="og:url" content="/there">').og_url == ""


def test_a_charset_is_said_by_a_mark_or_a_meta_element_or_not_at_all() -> None:
    assert said_charset(b"\xef\xbb\xbf<p>") == "utf-8" and said_charset(b"\xfe\xff\0<") == "utf-16be"
    assert said_charset(b"<meta charset=latin1>") == "windows-1252"
    assert said_charset(b"<p>charset") == "" and said_charset(b" " * 1024 + b"<meta charset=latin1>") == ""
