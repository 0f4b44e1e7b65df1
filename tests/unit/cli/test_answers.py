"""Each filter's line -> answer, without a process."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aragog.cli import address, extract, robots, url
from aragog.cli.filters import MIB, Answering, Shape, respond
from fetcher.resolver import Endpoint
from thrift_idl.errors import AragogError, DnsFailure, InvalidRequest

JSONL = Shape(True, lambda text: {}, ("href",))
KEYS = {"href": url.parsed, "normalized": url.normalized, "key": url.keyed, "domain": url.domain_of}


def answered(answer: Answering, line: bytes | None) -> Any:
    written = respond(JSONL, answer, line)
    assert written.endswith(b"\n") and written.count(b"\n") == 1
    return json.loads(written)


def asked(answer: Answering, **fields: object) -> Any:
    return answered(answer, json.dumps(fields).encode())


# --- url ---


@pytest.mark.parametrize(
    ("key", "given", "want"),
    [
        ("href", {"url": "HTTP://Example.com:80/a/../b c#f"}, "http://example.com/b%20c#f"),
        ("href", {"url": "../x", "base": "http://h/a/b"}, "http://h/x"),
        ("href", {"url": "mailto:me", "base": None}, "mailto:me"),
        ("href", {"url": "http://h/\ud800"}, "http://h/%EF%BF%BD"),
        ("href", {"url": "http://h/\x00x"}, "http://h/%00x"),
        ("normalized", {"url": "http://h/%7Eme?b=2&a=1#top"}, "http://h/~me?a=1&b=2"),
        ("normalized", {"url": "?b&a", "base": "http://h/x"}, "http://h/x?a&b"),
        ("key", {"url": "http://example.com/"}, "2a1b402420ef46577471cdc7409b0fa2"),
        ("key", {"url": "//example.com", "base": "http://h/"}, "2a1b402420ef46577471cdc7409b0fa2"),
        ("domain", {"url": "https://me@www.example.co.uk:8443/x"}, "example.co.uk"),
        ("domain", {"url": "http://[::1]/"}, "[::1]"),
    ],
)
def test_a_form_of_a_url_is_the_one_key_of_its_answer(key: str, given: dict[str, Any], want: str) -> None:
    assert asked(KEYS[key], **given) == {key: want}


@pytest.mark.parametrize("answer", KEYS.values())
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[]", "no object"),
        (b"3", "no object"),
        (b"null", "no object"),
        (b'{"url": "\xff"}', "no JSON"),
        (b'{"url": "\xed\xa0\x80"}', "no JSON"),
        (b'{"url": "a\x00b"}', "no JSON"),
        (b"{}", '"url" is missing'),
        (b'{"url": null}', '"url" is null'),
        (b'{"url": 7}', '"url" is a number'),
        (b'{"url": true}', '"url" is a boolean'),
        (b'{"url": ["http://h/"]}', '"url" is an array'),
        (b'{"url": {"url": 1}}', '"url" is an object'),
        (b'{"url": "http://h/", "base": 1}', '"base" is a number'),
        (b'{"url": "x", "base": "y"}', "is no valid URL"),
        (b'{"url": "http://[\\ud800"}', "is no valid URL"),
        (b'{"url": ' + b"[" * 100_000, "no JSON"),
        (b'{"\\ud800": ' + b"[" * 100_000, "no JSON"),
        (b'{"url": "\\ud800' + b"x" * 9_000 + b'"}', "the limit is 8192"),
        (None, "longer than 1048576 bytes"),
    ],
)
def test_a_bad_line_is_answered_with_what_is_wrong_with_it(answer: Answering, line: bytes | None, said: str) -> None:
    found = answered(answer, line)
    assert list(found) == ["error"] and said in found["error"]


NESTED = st.recursive(st.none() | st.text() | st.floats(), st.lists)


@given(st.binary(max_size=80) | NESTED.map(json.dumps).map(str.encode))
def test_any_line_has_one_answer(line: bytes) -> None:
    for answer in (*KEYS.values(), robots.verdict):
        answered(answer, line.replace(b"\n", b" "))


def test_a_fault_of_ours_costs_one_line() -> None:
    def faulty(_: object) -> dict[str, object]:
        raise RecursionError("deep")

    assert asked(faulty) == {"error": "internal error: RecursionError"}


def test_plain_lines_have_the_values_between_tabs_and_nothing_that_moves_a_cursor() -> None:
    shape = Shape(False, lambda text: {"text": text}, ("allowed", "line", "rule"))

    def answer(fields: Any) -> dict[str, object]:
        return {"allowed": False, "line": None, "rule": fields["text"]}

    assert respond(shape, answer, b"a\x1b[2Jb\tc") == "denied\t-\ta\ufffd[2Jb\ufffdc\n".encode()
    assert respond(shape, answer, b"\xff").startswith(b"error\tthe line is no UTF-8")
    assert respond(shape, answer, None).startswith(b"error\tthe line is longer")


# --- robots ---

FILE = """User-agent: *
Disallow: /x

User-agent: FooBot
Disallow: /y
Allow: /y/z
User-agent: idle
Crawl-delay: 1
"""
DENIED = (False, 5, "disallow: /y", "FooBot")
MOBILE = "Mozilla/5.0 (Linux) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36 (compatible; FooBot/2.1)"


@pytest.mark.parametrize(
    ("agent", "target", "want"),
    [
        ("FooBot", "http://h/y/1", (False, 5, "disallow: /y", "FooBot")),
        ("foobot", "/y/z", (True, 6, "allow: /y/z", "FooBot")),
        ("FooBot/2.1 (+http://f/)", "/y", DENIED),
        ("Mozilla/5.0 (compatible; FooBot/2.1; +http://f/)", "/y", DENIED),
        ("Mozilla/5.0 AppleWebKit/5 (KHTML, like Gecko; compatible; FooBot/1; +http://f/)", "/y", DENIED),
        (MOBILE, "/y", DENIED),
        ("Mozilla/5.0 (X11; Linux)", "/x", (False, 2, "disallow: /x", "*")),
        ("other", "/y", (True, None, None, "*")),
        ("other", "", (True, None, None, "*")),
        ("idle", "/x", (True, None, None, "idle")),
        ("", "/x", (False, 2, "disallow: /x", "*")),
    ],
)
def test_the_deciding_line_is_named(agent: str, target: str, want: tuple[object, ...]) -> None:
    found = asked(robots.verdict, robots=FILE, agent=agent, url=target)
    assert found == dict(zip(("allowed", "line", "rule", "group"), want, strict=True))


def test_a_url_too_long_to_be_fetched_is_answered_whatever_it_holds() -> None:
    long = "http://h/x" + "\ud800" * 9_000
    assert asked(robots.verdict, robots=FILE, agent="other", url=long)["line"] == 2


def test_without_rules_nothing_decides() -> None:
    want = {"allowed": True, "line": None, "rule": None, "group": None}
    assert asked(robots.verdict, robots="", agent="a", url="http://h/") == want


def test_a_file_beyond_our_bounds_is_denied_by_a_sentence() -> None:
    much = "User-agent: *\n" + "Allow: /\n" * 40_001
    found = asked(robots.verdict, robots=much, agent="a", url="http://h/x")
    sentence = "the file has more than 40,000 rules for us: beyond that bound a URL is taken as disallowed"
    said = {"flag": "too_many_rules", "message": f"{sentence} (too_many_rules)"}
    assert found == {"allowed": False, "line": None, "rule": None, "group": "*"} | said


@pytest.mark.parametrize("content", [b"User-agent: *\n/\xff\xfe\n>>>???", b"\xff\xfeU\x00", b"\x00", bytes(range(256))])
def test_base64_is_read_in_every_way_to_write_it(content: bytes) -> None:
    plain, safe = base64.b64encode(content).decode(), base64.urlsafe_b64encode(content).decode()
    ways = {plain, safe, plain.rstrip("="), safe.rstrip("="), base64.encodebytes(content).decode(), f" {plain}\r\n"}
    assert {robots.decoded(way, "x") for way in ways} == {content}


@pytest.mark.parametrize("text", ["A", "A===A", "é", "a*b=", "\x00", "\ud800"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match='"x" is no base64'):
        robots.decoded(text, "x")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"agent": "a", "url": "/"}, '"robots" or "robots_base64" is missing'),
        ({"robots": "", "robots_base64": "", "agent": "a", "url": "/"}, "only one"),
        ({"robots": 1, "agent": "a", "url": "/"}, '"robots" is a number'),
        ({"robots": "", "url": "/"}, '"agent" is missing'),
        ({"robots": "", "agent": "a"}, '"url" is missing'),
        ({"robots": "", "agent": "a", "url": "x"}, "is no valid URL"),
        ({"robots": "", "agent": "a", "url": "ftp://h/"}, "neither http nor https"),
    ],
)
def test_a_question_about_robots_that_lacks_something_says_what(fields: dict[str, Any], said: str) -> None:
    assert said in asked(robots.verdict, **fields)["error"]


def test_a_robots_txt_counts_as_far_as_the_fetcher_reads_it() -> None:
    line = "Disallow: /" + "a" * 89
    long = "User-agent: *\n" + f"{line}\n" * 5_300 + "Disallow: /end\n"
    assert len(long) > 512_000
    assert asked(robots.verdict, robots=long, agent="a", url="/end")["allowed"]
    assert not asked(robots.verdict, robots=long, agent="a", url="/" + "a" * 89)["allowed"]


# --- address ---


class Names:
    """A resolver over a table."""

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        if host == "public.test":
            return (Endpoint("93.184.216.34", port),)
        if host == "mixed.test":
            return Endpoint("93.184.216.34", port), Endpoint("10.0.0.1", port)
        if host[0].isdigit():
            return (Endpoint(host, port),)
        raise DnsFailure(f"{host} does not resolve")


@pytest.mark.parametrize(
    ("fields", "allowed", "reason"),
    [
        ({"address": "8.8.8.8"}, True, "public address"),
        ({"address": "::ffff:127.0.0.1"}, False, "loopback"),
        ({"address": "8.8.8"}, False, "not an IP address"),
        ({"address": ""}, False, "not an IP address"),
        ({"url": "http://public.test/"}, True, "public address"),
        ({"url": "http://mixed.test/"}, False, "10.0.0.1"),
        ({"url": "http://public.test:22/"}, False, "port of another protocol"),
        ({"url": "http://0x7f.1/"}, False, "loopback"),
        ({"url": "http://none.test/"}, False, "does not resolve"),
        ({"url": "file:///etc/passwd"}, False, "neither http nor https"),
        ({"url": "http://["}, False, "is no valid URL"),
    ],
)
async def test_an_address_is_judged_with_a_reason(fields: dict[str, str], allowed: bool, reason: str) -> None:
    found = await address.verdict_on(fields, Names())
    assert list(found) == ["allowed", "reason"]
    assert found["allowed"] is allowed and reason in found["reason"]


async def test_an_address_check_takes_one_of_address_and_url() -> None:
    for fields in ({}, {"address": "1.1.1.1", "url": "http://h/"}, {"address": 1}, {"url": []}):  # type: ignore[var-annotated]  # a test's business
        with pytest.raises(InvalidRequest):
            await address.verdict_on(fields, Names())


def test_a_plain_line_is_an_address_or_a_url() -> None:
    assert all("address" in address.fields_of(text) for text in ("1.1.1.1 ", "[::1]", "::1"))
    assert address.fields_of("http://1.1.1.1") == {"url": "http://1.1.1.1"}


# --- extract ---


def test_text_is_in_no_charset_any_more_and_bytes_are_in_the_declared_one() -> None:
    text = extract.page_of({"url": "http://h", "html": "ä\ud800", "content_type": "text/html; charset=latin1"})
    assert (text.url, text.content, text.charset) == ("http://h/", "ä\ufffd".encode(), "utf-8")
    coded = {"url": "http://h", "html_base64": "5A", "content_type": "application/xhtml+xml; charset=latin1"}
    page = extract.page_of(coded)
    assert (page.content, page.charset, page.media_type) == (b"\xe4", "latin1", "application/xhtml+xml")


def test_a_path_is_found_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.html").write_bytes(b"<p>")
    monkeypatch.chdir(tmp_path)
    assert extract.page_of({"url": "http://h", "path": "page.html"}).content == b"<p>"


def test_content_is_cut_a_byte_beyond_what_is_parsed_so_that_the_record_says_so(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 11 * MIB)
    for fields in ({"path": str(tmp_path / "big")}, {"html": "ä" * 11 * MIB}):
        assert len(extract.page_of({"url": "http://h", **fields}).content) == 10 * MIB + 1


def test_what_is_no_file_of_bytes_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, tmp_path / "none", "/dev/zero", "/dev/stdin", "a\x00b", "\ud800", ""):
        with pytest.raises(InvalidRequest):
            extract.page_of({"url": "http://h", "path": str(path)})


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://h"},
        {"url": "http://h", "html": "", "path": "x"},
        {"html": ""},
        {"url": "", "html": ""},
        {"url": "nope", "html": ""},
        {"url": "http://h", "html": 1},
        {"url": "http://h", "html": "", "content_type": 1},
        {"url": "http://h", "html_base64": "*"},
    ],
)
def test_a_page_that_lacks_something_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(AragogError):
        extract.page_of(fields)
