from __future__ import annotations

import pytest

from thrift_idl.errors import InvalidUrl, Refused
from weburl import (
    MAX_LENGTH,
    Url,
    host,
    host_to_ascii,
    join,
    joiner,
    normalize,
    origin,
    parse,
    request_form,
    split,
    url_key,
)


def test_the_request_form_has_no_fragment_and_no_userinfo_and_keeps_the_query_order() -> None:
    assert request_form("HTTP://me:secret@Example.org:80/a?b=2&a=1#top") == "http://example.org/a?b=2&a=1"


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        ("http://h/x/.a/../../private/s", "http://h/private/s"),
        ("http://h/.a/./b", "http://h/.a/b"),
        ("http://h/.a/..", "http://h/"),
        ("http://h//.:/.", "http://h//.:/"),
        ("http://h/.a/%2e%2E/b", "http://h/b"),
        ("http://h/..x/.y../...", "http://h/..x/.y../..."),
        ("http://h/.well-known/x?/.a/../b#/.a/..", "http://h/.well-known/x?/.a/../b#/.a/.."),
        ("httpx://h/..", "httpx://h/"),
        ("httpx:/..", "httpx:/"),
    ],
)
def test_dot_segments_go_whatever_the_segment_before_them_begins_with(raw: str, parsed: str) -> None:
    assert parse(raw) == parse(raw, "http://other/.x/y") == parsed


def test_a_link_through_a_folder_with_a_dot_has_the_key_of_its_target() -> None:
    to = joiner("http://h/docs/.hidden/page")
    assert to("/x/.a/../../private/s") == to("../../private/s") == request_form("http://h/x/.a/../../private/s")
    assert url_key("http://h/x/.a/../../private/s") == url_key("http://h/private/s")


def test_an_at_sign_outside_the_authority_stays() -> None:
    assert request_form("https://example.org/@me?mail=a@b.c") == "https://example.org/@me?mail=a@b.c"


def test_an_empty_query_is_sent_as_it_came() -> None:
    assert request_form("https://example.org/?") == "https://example.org/?"


@pytest.mark.parametrize("url", ["mailto:a@b.c", "javascript:void(0)", "data:,x", "file:///etc/passwd", "ftp://a/"])
def test_other_schemes_parse_but_have_no_request_form(url: str) -> None:
    assert parse(url) == url
    with pytest.raises(InvalidUrl, match="neither http nor https") as refused:
        request_form(url)
    assert refused.value.details["scheme"] == url.partition(":")[0]
    with pytest.raises(InvalidUrl):
        normalize(url)


@pytest.mark.parametrize(
    "url", ["", "no scheme", "http://", "http://a b/", "http://[::1", "http://a:99999/", "http://%00/"]
)
def test_what_is_no_url_is_refused_with_a_message_that_shows_it(url: str) -> None:
    with pytest.raises(InvalidUrl) as refused:
        request_form(url)
    assert isinstance(refused.value, Refused)
    assert repr(url) in str(refused.value)


def test_a_message_never_carries_a_whole_hostile_url() -> None:
    with pytest.raises(InvalidUrl) as refused:
        parse("http://[" + "x" * 8000)
    assert len(str(refused.value)) < 300


def test_a_url_may_be_as_long_as_the_limit_and_no_longer() -> None:
    longest = "http://example.org/" + "a" * (MAX_LENGTH - len("http://example.org/"))
    assert parse(longest) == longest
    with pytest.raises(InvalidUrl, match="limit"):
        parse(longest + "a")


def test_a_url_that_only_grows_too_long_when_escaped_is_refused() -> None:
    with pytest.raises(InvalidUrl, match="limit"):
        parse("http://example.org/" + "ü" * 2000)
    with pytest.raises(InvalidUrl, match="longer"):
        normalize("http://example.org/" + "[" * 4000)


def test_lone_surrogates_become_replacement_characters() -> None:
    assert parse("http://example.org/\ud800") == "http://example.org/%EF%BF%BD"
    assert parse("x\udfff", "http://example.org/\ud800/") == "http://example.org/%EF%BF%BD/x%EF%BF%BD"


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("../c?x#f", "https://example.org/c?x"),
        ("//cdn.example/i.png", "https://cdn.example/i.png"),
        ("", "https://example.org/a/b?q"),
        ("#top", "https://example.org/a/b?q"),
        (" /ä b\n", "https://example.org/%C3%A4%20b"),
        ("http://xn--bcher-kva.de", "http://xn--bcher-kva.de/"),
    ],
)
def test_links_are_joined_to_the_request_form_of_their_target(href: str, target: str) -> None:
    assert join("https://example.org/a/b?q#f", href) == target


def test_a_bad_base_is_refused_and_named() -> None:
    with pytest.raises(InvalidUrl, match="nowhere"):
        parse("x.html", "nowhere")


def test_the_parts_come_from_one_parse() -> None:
    assert split("https://me@[2001:DB8::1]:8443/x/../y?z#f") == Url(
        "https://[2001:db8::1]:8443/y?z", "https", "[2001:db8::1]", 8443, "/y?z"
    )


def test_the_default_port_of_the_scheme_is_filled_in_and_port_zero_is_kept() -> None:
    assert split("http://a.example/").port == 80
    assert split("https://a.example/").port == 443
    assert split("http://a.example:0/").port == 0


def test_origin_and_host_leave_out_the_default_port() -> None:
    assert origin("https://me@Example.org:443/a?b") == "https://example.org"
    assert origin("http://[::1]:8080/a") == "http://[::1]:8080"
    assert host("http://[::1]:8080/a") == "[::1]"
    assert split("http://www.example.co.uk:81/").origin == "http://www.example.co.uk:81"
    assert split("http://www.example.co.uk:81/").registrable_domain == "example.co.uk"


@pytest.mark.parametrize("url", ["http://0x7f.1/", "http://127.1/", "http://2130706433/", "http://①②⑦.⓪.⓪.①/"])
def test_every_way_to_write_an_address_becomes_the_address(url: str) -> None:
    assert host(url) == "127.0.0.1"


@pytest.mark.parametrize("text", ["a/b", "a:80", "u@a", "a?b", "a#b", "a\\b", "", "a b"])
def test_what_is_more_or_less_than_a_host_is_refused_as_one(text: str) -> None:
    with pytest.raises(InvalidUrl):
        host_to_ascii(text)


@pytest.mark.parametrize("piece", ["é", "^", "%zz", "%c3%a9", "[", "%61"])
def test_a_long_url_has_a_request_form_only_if_its_normalized_form_fits(piece: str) -> None:
    fits: list[int] = []
    for count in range(8_000 // len(piece), 100, -97):
        try:
            form = request_form("http://a.test/" + piece * count)
        except InvalidUrl:
            assert not fits, "a longer one fits, and a shorter one doesn't"
            continue
        fits.append(count)
        assert len(normalize(form)) <= MAX_LENGTH
    assert fits
