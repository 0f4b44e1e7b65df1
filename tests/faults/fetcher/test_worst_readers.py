"""Bytes beside content that cost their reader the most: each reader finishes them, and soon.

Most readers are regular expressions, whose steps nobody counts: `make test` shows that they end, torture how soon.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from extraction.head import HEAD_BYTES, read_head, said_charset
from fetcher.answer_rules import header_claims, location_target, retry_after_ms
from fetcher.decoding import codings_of
from fetcher.mediatype import content_type, sniff
from fetcher.resolver import MOST_ADDRESSES, SystemLookup, SystemResolver, guarded_endpoints
from fetcher.settings import KIB, TransportSettings
from fetcher.transport.reply import ReplyReader
from thrift_idl.errors import AragogError, BadReply, DnsFailure

LONGEST_S = 0.05
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = 256 * KIB  # the most that the event loop reads at once
ROOM = 120 * KIB  # for a header, in the head that we read


def reader(first: bytes = b"") -> ReplyReader:
    begun = ReplyReader("GET", TransportSettings())
    begun.receive(first)
    return begun


def parts_of(body: bytes) -> Iterator[int]:
    """Reads a body; yields after each step how much of it is unread."""
    begun = reader(CHUNKED + body)
    with contextlib.suppress(BadReply):
        while begun.unread:
            begun.read_on()
            yield len(begun.unread)


def filled(start: bytes, unit: bytes, end: bytes = b"", size: int = PIECE) -> bytes:
    return start + unit * ((size - len(start) - len(end)) // len(unit)) + end


HEADS = {
    "locations that end in white space": filled(OK + b"Location: a", b" ", b"x\r\nLocation: y\r\n\r\n", ROOM),
    "many locations": filled(OK, b"Location:\r\n", b"\r\n", ROOM),
    "a folded header": filled(OK + b"X: a", b"\n b", b"\r\n\r\n", ROOM),
    "a folded length": filled(OK + b"Content-Length: 1", b"\n ", b"\r\n\r\n", ROOM),
    "many lengths": filled(OK, b"Content-Length: 1\r\n", b"\r\n", ROOM),
    "a length of many": filled(OK + b"Content-Length: 1", b",1", b"\r\n\r\n", ROOM),
    "a length and white space": filled(OK + b"Content-Length", b" ", b"\r\n\r\n", ROOM),
    "many transfer codings": filled(OK + b"Transfer-Encoding: ", b"identity,", b"chunked\r\n\r\n", ROOM),
    "white space in the status line": filled(b"HTTP/1.1", b" ", b"\r\n\r\n", ROOM),
    "interim answers": filled(b"", b"HTTP/1.1 100 \n\n"),
    "no end": filled(OK, b"\r"),
}
BODIES = {
    "chunks of a byte": filled(b"", b"1\nx\n"),
    "chunks with extensions": filled(b"", b"1;a=b\nx\n"),
    "one long extension": filled(b"1;", b"a"),
    "leading zeros": filled(b"", b"0"),
    "trailers": filled(b"1\nx\n0\n", b"a:\n"),
    "a folded trailer": filled(b"1\nx\n0\na: b", b"\n b"),
    "a long trailer": filled(b"1\nx\n0\na: ", b"b"),
    "answers behind the answer": filled(b"0\r\n\r\n", OK + b"\r\n"),
}
LINKS = {
    "quotes that nothing closes": filled(b'<a>;rel="canonical"', b',<a>;x="\\"', size=ROOM),
    "escaped quotes": filled(b'<canonical>"', b'<>\\"', size=ROOM),
    "parameters": filled(b"<canonical>", b";rel", size=ROOM),
    "parameters with quotes that nothing closes": filled(b"<canonical>", b';rel="\\"', size=ROOM),
    "white space": filled(b"<canonical>;rel =", b" ", b"x", size=ROOM),
    "claims": filled(b"", b"<a>;rel=canonical,", size=ROOM),
    "relations": filled(b'<a>;rel="canonical ', b"x ", b'"', size=ROOM),
}
TYPES = {
    "commas": filled(b"", b"text/html,", size=ROOM),
    "quotes": filled(b'"', b'\\"', size=ROOM),
    "charsets": filled(b"text/html", b";charset=a", size=ROOM),
    "escapes": filled(b'text/html;charset="', b"\\a", size=ROOM),
    "types": filled(b"", b'text/html;charset="a",', size=ROOM),
    "white space": filled(b"text/html", b" ", b"x", size=ROOM),
    "parameters and white space": filled(b"text/html", b";" + b" " * 300, size=ROOM),
}
LOCATIONS = {
    "dots": filled(b"", b"/..", size=ROOM),
    "coming and going": filled(b"", b"/a/..", size=ROOM),
    "escaped dots": filled(b"", b"/%2e%2e", size=8_000),
    "labels": filled(b"http://", b"a.", size=ROOM),
    "a label to decode": filled(b"http://xn--", b"a", b".com/", size=8_000),
    "a label to encode": filled(b"http://", "é".encode(), b".com/", size=8_000),
    "labels to encode": filled(b"http://", "é.".encode(), b"com/", size=8_000),
    "parameters": filled(b"?", b"a=b&", size=8_000),
    "tabs": filled(b"", b"\t", size=ROOM),
}
PAGES = {
    "less-than signs": b"<",
    "comments": b"<!--",
    "declarations": b"<!",
    "tags": b"<a>",
    "tags of the head": b"<meta>",
    "attributes": b"a ",
    "quotes": b'<meta a="',
    "end tags": b"</a",
    "slashes": b"<a/",
    "refreshes": b"<meta http-equiv=refresh>",
    "refreshes that wait": b"<meta http-equiv=refresh content='1;'>",
    "canonical links to nowhere": b"<link rel=canonical>",
    "og:urls to nowhere": b"<meta property=og:url content=''>",
    "bases": b"<base href=x>",
    "scripts": b"<script><!--",
    "titles": b"<title></titl",
    "styles": b"<style></style>",
    "references": b"&amp;",
    "sections": b"<![CDATA[",
    "UTF-16": b"<\0a\0>\0",
    "ISO-2022-JP": b"\x1b$B",
}
BEFORE = (b"", b"<meta http-equiv=refresh content='1'><link rel=canonical ", b"<meta content='0")


def page(unit: bytes) -> None:
    for start in BEFORE:
        content = filled(start, unit, size=HEAD_BYTES)
        for charset in ("", "utf-8"):
            read_head(content, "http://a.test/", charset)
        said_charset(content)
        sniff(content)


def text(value: bytes) -> str:
    return value.decode("latin-1")


READINGS: dict[str, Callable[[], object]] = {
    **{f"head: {name}": lambda head=head: reader(head) for name, head in HEADS.items()},  # type: ignore[misc]  # a lambda with a default, or a tuple
    **{f"body: {name}": lambda body=body: list(parts_of(body)) for name, body in BODIES.items()},  # type: ignore[misc]  # a lambda with a default, or a tuple
    **{f"Link: {name}": lambda v=v: list(header_claims("http://a.test/", [text(v)])) for name, v in LINKS.items()},  # type: ignore[misc]  # a lambda with a default, or a tuple
    **{f"Content-Type: {name}": lambda value=value: content_type([text(value)]) for name, value in TYPES.items()},  # type: ignore[misc]  # a lambda with a default, or a tuple
    **{f"Location: {name}": lambda v=v: location_target("http://a.test/x", text(v)) for name, v in LOCATIONS.items()},  # type: ignore[misc]  # a lambda with a default, or a tuple
    "Content-Encoding: commas": lambda: codings_of(["," * ROOM]),
    "Content-Encoding: codings": lambda: codings_of(["gzip," * (ROOM // 5)]),
    "Retry-After: digits": lambda: retry_after_ms("9" * ROOM, 0, 1),
    "Retry-After: white space": lambda: retry_after_ms(" " * ROOM + "x", 0, 1),
    **{f"page: {name}": lambda unit=unit: page(unit) for name, unit in PAGES.items()},  # type: ignore[misc]  # a lambda with a default, or a tuple
}


@pytest.mark.parametrize("name", READINGS)
def test_every_reader_gets_through_its_worst_input(name) -> None:
    with contextlib.suppress(AragogError):  # a clear end, too
        READINGS[name]()


@pytest.mark.torture
@pytest.mark.parametrize("name", [name for name in READINGS if not name.startswith("body")])
def test_no_reader_takes_long(name) -> None:
    times = len(BEFORE) * 2 if name.startswith("page") else 1
    longest_s = min(_cpu_s(READINGS[name]) for _ in range(3)) / times
    print(f"{name}: {longest_s * 1000:.1f} ms")
    assert longest_s < LONGEST_S


def _cpu_s(read: Callable[[], object]) -> float:
    began_s = time.process_time()
    with contextlib.suppress(AragogError):
        read()
    return time.process_time() - began_s


@pytest.mark.torture
@pytest.mark.parametrize("name", BODIES)
def test_no_step_of_reading_a_body_takes_long(name) -> None:
    longest_s, began_s = 0.0, time.process_time()
    for _ in parts_of(BODIES[name]):
        longest_s, began_s = max(longest_s, time.process_time() - began_s), time.process_time()
    longest_s = max(longest_s, time.process_time() - began_s)
    print(f"{name}: {longest_s * 1000:.1f} ms")
    assert longest_s < LONGEST_S


@pytest.mark.parametrize("name", ["one long extension", "trailers", "a folded trailer", "a long trailer"])
def test_framing_without_a_body_ends_after_32_kib(name) -> None:
    begun = reader(CHUNKED + BODIES[name])
    with pytest.raises(BadReply, match="framing"):
        while begun.unread:
            begun.read_on()
    assert PIECE - len(begun.unread) <= 65 * KIB


def test_chunks_are_read_a_little_at_a_time_and_held_as_one() -> None:
    begun, before = reader(CHUNKED + BODIES["chunks of a byte"]), PIECE
    while begun.unread:
        begun.read_on()
        assert before - len(begun.unread) <= 32 * KIB
        before = len(begun.unread)
    assert len(begun.pieces) == PIECE // (32 * KIB)
    assert begun.buffered == begun.body_bytes == PIECE // 4


@pytest.mark.parametrize("size", [MOST_ADDRESSES, MOST_ADDRESSES + 1])
async def test_a_name_of_too_many_addresses_does_not_resolve(size) -> None:
    many = tuple(f"8.8.{number // 256}.{number % 256}" for number in range(size))
    resolver = SystemResolver(SystemLookup(lambda _: many))
    try:
        with contextlib.nullcontext() if size <= MOST_ADDRESSES else pytest.raises(DnsFailure, match="more than"):
            assert len(await guarded_endpoints("many.test", 80, resolver)) == size
    finally:
        await resolver.close()
