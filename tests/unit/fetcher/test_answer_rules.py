"""Small pure decisions: redirects, chains, media types, the User-Agent, claims, copies of robots.txt."""

from __future__ import annotations

import pytest

from fetcher.answer_rules import check_hop, check_resume, header_claims, location_target
from fetcher.endpoint_guard import check_contact
from fetcher.mediatype import accept_header, content_type, is_accepted, sniff
from fetcher.robots.cache import CopyState, RobotsCopy, failed, pack_copy, remembered_failure, state_of, unpack_copy
from fetcher.settings import FetchPolicy, RobotsSettings, has_contact, product_token
from runtime.durations import DAY_MS
from thrift_idl.errors import (
    BadConfiguration,
    InvalidUrl,
    RobotsUnavailable,
    TlsFailure,
    TooManyRedirects,
)
from thrift_idl.gen.fetcher.ttypes import Hop

A, B, C = (f"http://a.test/{name}" for name in "abc")
CHAIN = (Hop(A, 301, B, "http", "127.0.0.1", 1.5), Hop(B, 200, C, "meta"))


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/x y", "http://a.test/x%20y"),
        ("?q", "http://a.test/a?q"),
        ("//b.test", "http://b.test/"),
        ("HTTPS://B.test/#f", "https://b.test/"),
        ("/\xc3\xa9", "http://a.test/%C3%A9"),
        ("/\xe9", "http://a.test/%C3%A9"),
        ("", A),
    ],
)
def test_location_is_resolved_as_browsers_do(location, target) -> None:
    assert location_target(A, location) == target


@pytest.mark.parametrize("location", ["mailto:a@b", "data:text/html,x", "http://", "about:blank"])
def test_location_out_of_the_web_is_refused(location) -> None:
    with pytest.raises(InvalidUrl):
        location_target(A, location)


def test_loops_are_seen_over_the_whole_chain() -> None:
    with pytest.raises(TooManyRedirects):
        check_hop(CHAIN, Hop(C, 302, A), 10)
    with pytest.raises(TooManyRedirects):
        check_hop((), Hop(C, 302, C), 10)
    check_hop(CHAIN, Hop(C, 302, "http://d.test/"), 3)
    with pytest.raises(TooManyRedirects):
        check_hop(CHAIN, Hop(C, 302, "http://d.test/"), 2)


def test_a_chain_to_resume_is_checked_like_one_walked() -> None:
    check_resume(CHAIN, 10)
    with pytest.raises(TooManyRedirects):
        check_resume((*CHAIN, Hop(C, 301, B)), 10)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["Text/HTML; Charset=UTF-8"], ("text/html", "utf-8")),
        (['text/html;charset="x y"'], ("text/html", "x y")),
        (["text/html;charset="], ("text/html", "")),
        (["html"], ("", "")),
        ([], ("", "")),
        (["*/*", "text/html"], ("text/html", "")),
    ],
)
def test_content_types(values, found) -> None:
    assert content_type(values) == found


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"  \n<!DOCTYPE HTML>", "text/html"),
        (b"\xef\xbb\xbf<html>", "text/html"),
        (b"<p>x", "text/html"),
        (b"<!-- c -->", "text/html"),
        (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", "application/xhtml+xml"),
        (b"<?xml version='1.0'?><rss>", "text/xml"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"plain words", "text/plain"),
        (b"\x00\x01", "application/octet-stream"),
        (b"<plan>", "text/plain"),
    ],
)
def test_content_without_a_type_is_sniffed(content, media_type) -> None:
    assert sniff(content) == media_type


def test_accepted_types_default_to_html_and_take_a_star() -> None:
    assert is_accepted("text/html", ()) and is_accepted("application/xhtml+xml", ())
    assert not is_accepted("image/png", ())
    assert is_accepted("image/png", ("Image/*",)) and not is_accepted("text/html", ("image/*",))
    assert is_accepted("anything/at-all", ("*",))
    assert accept_header(("image/*", "*")) == "image/*,*/*"


@pytest.mark.parametrize(
    ("agent", "contact"),
    [
        ("Aragog/0.1", False),
        ("Aragog/0.1 (+https://example.org/bot)", True),
        ("Aragog/0.1 (crawler@example.org)", True),
        ("Aragog/0.1 (http://localhost)", False),
        ("Aragog/0.1 (@nobody)", False),
    ],
)
def test_a_contact_is_a_url_or_an_address(agent, contact) -> None:
    assert has_contact(agent) is contact


def test_beyond_loopback_a_contact_is_wanted() -> None:
    check_contact("Aragog/0.1", ["127.0.0.1", "127.3.2.1", "::1"])
    check_contact("Aragog/0.1 (+https://example.org)", ["93.184.216.34"])
    for address in ("93.184.216.34", "10.0.0.1", "not an address"):
        with pytest.raises(BadConfiguration, match="contact"):
            check_contact("Aragog/0.1", ["127.0.0.1", address])


@pytest.mark.parametrize("agent", ["", "0", "(x)", "Aragog\r\nHost: evil", "Aragog/\xe9"])
def test_a_user_agent_must_begin_with_a_product_token(agent) -> None:
    with pytest.raises(BadConfiguration):
        product_token(agent)


def test_the_product_token_is_what_the_user_agent_begins_with() -> None:
    assert product_token("My_Bot-x/1.0 (+https://example.org)") == "My_Bot-x"


@pytest.mark.parametrize(
    "change", [{"max_content_bytes": 0}, {"deadline_ms": -1}, {"max_redirects": 21}, {"max_wait_ms": 0}]
)
def test_a_setting_out_of_range_is_named(change) -> None:
    with pytest.raises(BadConfiguration, match=next(iter(change))):
        FetchPolicy(**change)


def test_link_headers_claim_only_canonical_urls() -> None:
    values = ['</a>; rel="canonical", <b>; rel=next', "<https://x.test/?a,b>; title=t; REL=Canonical", "<>;rel=other"]
    assert [claim.url for claim in header_claims("http://a.test/z/", values)] == [
        "http://a.test/a",
        "https://x.test/?a,b",
    ]
    assert list(header_claims(A, ["<" * 20_000 + "canonical"])) == []


# --- copies of robots.txt ---

SETTINGS = RobotsSettings()
NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("fetched_ago_ms", "fails_for_ms", "state"),
    [
        (None, 0, CopyState.MISSING),
        (0, 0, CopyState.FRESH),
        (-DAY_MS, 0, CopyState.FRESH),
        (7 * DAY_MS - 1, 0, CopyState.FRESH),
        (7 * DAY_MS - 1, 60_000, CopyState.FRESH),
        (7 * DAY_MS, 0, CopyState.STALE),
        (7 * DAY_MS, 60_000, CopyState.STANDING_IN),
        (37 * DAY_MS, 0, CopyState.MISSING),
        (37 * DAY_MS, 60_000, CopyState.FAILED),
        (None, 60_000, CopyState.FAILED),
        (None, 10 * DAY_MS, CopyState.MISSING),
    ],
)
def test_what_a_copy_is_good_for(fetched_ago_ms, fails_for_ms, state) -> None:
    fetched_ms = 0 if fetched_ago_ms is None else NOW_MS - fetched_ago_ms
    copy = RobotsCopy("http://a.test", b"", fetched_ms, NOW_MS + fails_for_ms if fails_for_ms else 0)
    assert state_of(copy, NOW_MS, SETTINGS) is state


def test_a_failure_is_remembered_for_minutes_never_for_days() -> None:
    error = RobotsUnavailable("5xx", delay_ms=30 * DAY_MS)
    copy = failed("http://a.test", None, error, NOW_MS, SETTINGS)
    again = remembered_failure(copy, NOW_MS + 1000)
    assert type(again) is RobotsUnavailable and again.delay_ms == 299_000
    assert type(remembered_failure(failed("o", None, TlsFailure("bad"), NOW_MS, SETTINGS), NOW_MS)) is TlsFailure


def test_a_failure_keeps_the_stale_rules() -> None:
    stale = RobotsCopy("http://a.test", b"rules", 5)
    copy = failed("http://a.test", stale, RobotsUnavailable("5xx", delay_ms=1), NOW_MS, SETTINGS)
    assert (copy.content, copy.fetched_ms) == (b"rules", 5)


@pytest.mark.parametrize(
    "packed", [b"", b"{}", b"[]\nx", b"null\n", b'{"version": 99}\n', b'{"version": 1}\n', b"\xff\n"]
)
def test_rubbish_and_newer_versions_in_the_cache_are_a_miss(packed) -> None:
    assert unpack_copy(packed) is None
    copy = RobotsCopy("http://a.test", b"\n\nx\n", 1, 2, ("a", "b", "c"))
    assert unpack_copy(pack_copy(copy)) == copy
