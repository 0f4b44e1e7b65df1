"""Reading robots.txt: lines, groups, rules; and that protego and our own reading never differ."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fetcher.robots.patterns import matches, path_text, pattern_text
from fetcher.robots.reading import group_for, lines_of
from fetcher.robots.rules import Rules

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


def rules(content: bytes, token: str = "Aragog") -> Rules:
    return Rules(content, token)


def test_the_verdict_names_group_line_and_rule():
    verdict, agreed = rules(FILE).verdict("/no/page")
    assert agreed and not verdict.allowed
    assert (verdict.group, verdict.line, verdict.rule) == ("aragog", 8, "disallow: /no")
    assert verdict.crawl_delay_ms == 2500 and re.fullmatch("[0-9a-f]{16}", verdict.version)


def test_allow_names_its_line_too_and_nothing_names_none():
    assert rules(FILE).verdict("/no/but")[0].line == 10
    nothing = rules(FILE).verdict("/star")[0]
    assert nothing.allowed and nothing.line == 0 and nothing.rule == ""


def test_who_is_not_named_falls_to_the_star_or_to_nobody():
    assert not rules(FILE, "Stranger").verdict("/star")[0].allowed
    assert rules(b"User-agent: other\nDisallow: /", "Stranger").verdict("/")[0].group == ""


def test_robots_txt_itself_is_always_allowed():
    assert rules(b"User-agent: *\nDisallow: /").verdict("/robots.txt")[0].allowed
    assert not rules(b"User-agent: *\nDisallow: /").verdict("/robots.txt?x")[0].allowed


def test_no_file_allows_all_and_has_no_version():
    verdict, _ = rules(b"").verdict("/")
    assert verdict.allowed and verdict.version == ""


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 50, b"\xff\xfe\x00", b":" * 9000, b"User-agent:\n" * 99, b"\0"]
)
def test_rubbish_is_no_rule_and_no_crash(content):
    assert rules(content).verdict("/x")[0].allowed


def test_a_very_long_line_is_cut_and_used():
    verdict, _ = rules(b"User-agent: *\nDisallow: /" + b"a" * 100_000).verdict("/" + "a" * 17_000)
    assert not verdict.allowed and len(verdict.rule) <= 500


@pytest.mark.parametrize(
    ("value", "delay_ms"),
    [
        *(("2", 2000), ("0.5", 500), (".5", 500), ("1.", 1000)),
        *(("999999999", 86_400_000), ("-1", None), ("nan", None), ("1e9", None)),
    ],
)
def test_a_crawl_delay_is_seconds_at_most_a_day(value, delay_ms):
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
def test_patterns(pattern, path, found):
    assert matches(pattern_text(pattern), path_text(path)) is found
    assert rules(f"User-agent: *\nDisallow: {pattern}".encode()).verdict(path)[0].allowed is not found


def test_a_pattern_of_stars_takes_linear_time():
    assert not matches("/" + "*a" * 5000 + "$", "/" + "a" * 4999)


PIECES = st.sampled_from(
    ["/", "a", "b", "*", "$", "?", "%41", "%2F", "%2f", "%25", "é", "=", "&", ".html", "index.html", "~"]
)
PATTERNS = st.lists(PIECES, max_size=8).map("".join)
RULES = st.lists(st.tuples(st.sampled_from(["allow", "disallow"]), PATTERNS), max_size=6)
PATHS = st.lists(
    st.sampled_from(["/", "a", "b", "?", "%41", "%2F", "%25", "%C3%A9", "=", "index.html", "$", "*"]), max_size=8
)


@given(written=RULES, path=PATHS.map(lambda pieces: "/" + "".join(pieces)))
@settings(max_examples=1500, deadline=None)
@example(written=[("allow", "/a$b"), ("disallow", "/")], path="/a$b")
@example(written=[("disallow", "//a")], path="//a")
@example(written=[("disallow", "/$")], path="/$")
@example(written=[("allow", "/index.html$"), ("disallow", "/")], path="/index.html$")
def test_protego_and_our_own_reading_never_differ(written, path):
    text = "User-agent: *\n" + "\n".join(f"{field}: {pattern}" for field, pattern in written)
    _, agreed = Rules(text.encode(), "Aragog").verdict(path)
    assert agreed, text


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_bytes_crash_or_divide_us(content):
    _, agreed = Rules(b"User-agent: aragog\nDisallow: /x\n" + content, "Aragog").verdict("/x/y")
    assert agreed
