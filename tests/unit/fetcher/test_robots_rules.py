"""Reading robots.txt: lines, groups, rules, and what each writing of a rule means."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weburl
from fetcher.robots.reading import group_for, lines_of
from fetcher.robots.rules import RobotsRules
from tests.support.examples import examples

FILE = b"""\xef\xbb\xbf# hello
User-agent: other
Disallow: /

user agent: aragog
Sitemap: http://a.test/s.xml
useragent: third # trailing
Disallow: /no
Disallow:
Allow: /no/but$
noise
Crawl-delay: 2.5

User-agent: *
Disallow: /star
"""


def rules(content: bytes, token: str = "Aragog") -> RobotsRules:
    return RobotsRules(content, token)


def test_the_verdict_names_group_line_and_rule() -> None:
    verdict = rules(FILE).verdict("/no/page")
    assert not verdict.allowed and verdict.flag == ""
    assert (verdict.group, verdict.line, verdict.rule) == ("aragog", 8, "disallow: /no")
    assert verdict.crawl_delay_ms == 2500 and re.fullmatch("[0-9a-f]{16}", verdict.version)


def test_allow_names_its_line_too_and_nothing_names_none() -> None:
    assert rules(FILE).verdict("/no/but").line == 10
    nothing = rules(FILE).verdict("/star")
    assert nothing.allowed and nothing.line == 0 and nothing.rule == ""


def test_who_is_not_named_falls_to_the_star_or_to_nobody() -> None:
    assert not rules(FILE, "Stranger").verdict("/star").allowed
    assert rules(b"User-agent: other\nDisallow: /", "Stranger").verdict("/").group == ""


def test_robots_txt_itself_is_always_allowed() -> None:
    assert rules(b"User-agent: *\nDisallow: /").verdict("/robots.txt").allowed
    assert not rules(b"User-agent: *\nDisallow: /").verdict("/robots.txt?x").allowed


def test_no_file_allows_all_and_has_no_version() -> None:
    verdict = rules(b"").verdict("/")
    assert verdict.allowed and verdict.version == ""


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 50, b"\xff\xfe\x00", b":" * 9000, b"User-agent:\n" * 99, b"\0"]
)
def test_rubbish_is_no_rule_and_no_crash(content) -> None:
    assert rules(content).verdict("/x").allowed


def test_a_very_long_line_is_cut_and_used() -> None:
    verdict = rules(b"User-agent: *\nDisallow: /" + b"a" * 100_000).verdict("/" + "a" * 17_000)
    assert not verdict.allowed and len(verdict.rule) <= 500


@pytest.mark.parametrize(
    ("value", "delay_ms"),
    [
        *(("2", 2000), ("0.5", 500), (".5", 500), ("1.", 1000)),
        *(("999999999", 86_400_000), ("-1", None), ("nan", None), ("1e9", None)),
    ],
)
def test_a_crawl_delay_is_seconds_at_most_a_day(value, delay_ms) -> None:
    lines = list(lines_of(f"User-agent: *\nCrawl-delay: {value}".encode()))
    assert group_for(lines, "aragog").crawl_delay_ms == delay_ms


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("/a", "/ab", True),
        ("/a$", "/ab", False),
        ("/*.gif$", "/x/y.gif", True),
        ("/*.gif$", "/y.gif?x", False),
        ("/a*b*c", "/a1b2c3", True),
        ("/a*b*c", "/acb", False),
        ("*", "/anything", True),
        ("/a**b", "/ab", True),
        ("/a*a$", "/a", False),
        ("/$", "/", True),
        ("/$", "/$", False),
        ("/a$", "/a$b", False),
        ("/%7Ea", "/~a", True),
        ("/%c3%a9", "/%C3%A9", True),
        ("/é", "/%C3%A9", True),
        ("/a%2Fb", "/a/b", False),
        ("/a%2ab", "/axb", False),
        ("/a%24", "/a$", True),
    ],
)
def test_patterns(pattern, path, found) -> None:
    assert rules(f"User-agent: *\nDisallow: {pattern}".encode()).verdict(path).allowed is not found


@pytest.mark.parametrize("character", ":/?#[]@!$&'()*+,;=")
@pytest.mark.parametrize("rule", ["/a{}b", "/*{}b$"])
def test_a_reserved_character_and_its_escape_are_different(character: str, rule: str) -> None:
    escape = f"%{ord(character):02X}"
    if character not in "*#":  # which no rule can hold
        plain = rules(f"User-agent: *\nDisallow: {rule.format(character)}".encode())
        assert not plain.verdict(f"/a{character}b").allowed
        # A query has `'` escaped whoever wrote it, and a rule with a wildcard may speak of one.
        assert plain.verdict(f"/a{escape}b").allowed or character == "'"
    escaped = rules(f"User-agent: *\nDisallow: {rule.format(escape)}".encode())
    assert not escaped.verdict(f"/a{escape}b").allowed and not escaped.verdict(f"/a{escape.lower()}b").allowed
    # RFC 9309 2.2.3: the escapes of what is special in rules mean the characters.
    assert escaped.verdict(f"/a{character}b").allowed == (character not in "*$")


@pytest.mark.parametrize("character", "~-._Az09")
def test_an_unreserved_character_and_its_escape_are_the_same(character: str) -> None:
    escape = f"%{ord(character):02x}"
    for rule, path in ((character, escape), (escape, character), (escape, escape.upper())):
        assert not rules(f"User-agent: *\nDisallow: /a{rule}b".encode()).verdict(f"/a{path}b").allowed


def test_an_apostrophe_is_found_in_queries_which_have_it_escaped() -> None:
    apostrophe = rules(b"User-agent: *\nDisallow: /*?name='")
    assert not apostrophe.verdict(weburl.split("http://h/a?name='x'").target).allowed
    assert not rules(b"User-agent: *\nDisallow: /o'hara").verdict(weburl.split("http://h/o'hara").target).allowed


@pytest.mark.parametrize(
    ("rule", "path", "found"),
    [
        ("/%%61b", "/%%61b", True),
        ("/%%61b", "/%ab", False),
        ("/%%61b", "/%AB", False),
        ("/%4%31", "/A", False),
        ("/%4%31", "/%41", False),
        ("/%%34%31", "/A", False),
        ("/%%32%46", "/%2F", False),
        ("/%%32%46", "/%%32%46", True),
        ("/%2F", "/%%32%46", False),
        ("/a%zz", "/a%zz", True),
        ("/a%zz", "/a%25zz", False),
        ("/100%", "/100%", True),
        ("/100%", "/100%25/x", True),
        ("/100%/x", "/100%/x", True),
        ("/*%$", "/a%", True),
        ("/a%2", "/a%2", True),
        ("/a%2", "/a2", False),
    ],
)
def test_a_stray_percent_sign_is_itself_and_joins_nothing(rule: str, path: str, found: bool) -> None:
    assert rules(f"User-agent: *\nDisallow: {rule}".encode()).verdict(path).allowed is not found


@pytest.mark.parametrize(
    ("lines", "path", "line"),
    [
        (("Disallow: /trends/", "Allow: *?spm="), "/trends/x?spm=1", 2),
        (("Allow: *?spm=", "Disallow: /trends/"), "/trends/x?spm=1", 3),
        (("Disallow: /a?b", "Allow: /a?*"), "/a?b", 3),
        (("Disallow: /a%26b", "Allow: /a%26*"), "/a%26b", 3),
        (("Allow: /%61%61", "Disallow: /aaaa"), "/aaaa", 2),
        (("Allow: /é", "Disallow: /*A9x"), "/%C3%A9x", 2),
        (("Disallow: /a***", "Allow: /abcd"), "/abcd", 3),
        (("Disallow: /a****", "Allow: /abcd"), "/abcd", 2),
        (("Disallow: /abc", "Allow: /ab*", "Disallow: /a*c"), "/abc", 3),
        (("Disallow: /a", "Disallow: /*", "Disallow: /a"), "/abc", 2),
        (("Allow: /", "Disallow: /$"), "/", 3),
        (("Allow: /f/index.html", "Disallow: /f"), "/f/", 2),
        (("Allow: /f/index.htm", "Disallow: /f/$"), "/f/", 2),
        (("Allow: /f/index.php", "Disallow: /f"), "/f/", 3),
        (("Disallow: /f/index.html",), "/f/", 0),
    ],
)
def test_the_rule_of_most_octets_as_written_decides_and_allow_wins_a_tie(
    lines: tuple[str, ...], path: str, line: int
) -> None:
    assert rules("\n".join(("User-agent: *", *lines)).encode()).verdict(path).line == line


@pytest.mark.parametrize(
    "field", ["Disallowed", "disallow-x", "Disalow", "Dissallowed", "DISALLAW", "diasllow", "desallow"]
)
def test_a_field_that_begins_like_disallow_counts(field: str) -> None:
    assert not rules(f"User-agent: *\n{field}: /x".encode()).verdict("/x").allowed


def test_fields_that_begin_like_others_count() -> None:
    content = b"User-agents: *\nAllowed: /x/y\nDisallow: /x\nSitemaps: http://h/s.xml\nCrawl-delays: 2"
    assert rules(content).verdict("/x/y").line == 2 and not rules(content).verdict("/x").allowed
    assert rules(content).sitemaps == ("http://h/s.xml",) and rules(content).verdict("/").crawl_delay_ms == 2000


def test_a_nul_ends_what_a_line_says() -> None:
    found = rules(b"User-agent: *\0x\nDisallow: /a\0b\nAllow\0: /a").verdict("/axy")
    assert (found.allowed, found.line, found.rule) == (False, 2, "disallow: /a")


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"])
def test_a_byte_order_mark_or_its_beginning_is_no_text(mark: bytes) -> None:
    assert not rules(mark + b"User-agent: *\nDisallow: /x").verdict("/x").allowed


@given(st.binary(max_size=300))
@settings(max_examples=examples(300))
def test_no_bytes_crash(content) -> None:
    found = RobotsRules(b"User-agent: aragog\nDisallow: /x\n" + content, "Aragog").verdict("/x/y")
    assert found.line and not found.flag
