"""Heads and framing that contradict HTTP/1.1 (RFC 9112), or have no end."""

from __future__ import annotations

from itertools import count, repeat

from testweb.faults.kinds import HEAD, PAGE, Fault, forever, page

_CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def _chunked(name: str, tells: str, body: bytes) -> Fault:
    return Fault(f"chunk-{name}", tells, _CHUNKED + body)


def _status_line(name: str, line: bytes) -> Fault:
    return Fault(f"status-{name}", f"status line {line[:40]!r}", line + b"\r\nContent-Length: 2\r\n\r\nhi")


LENGTHS = (
    Fault("length-long", "announces 1,000 bytes, sends a page of 45 and closes", page(length=1000)),
    Fault("length-short", "announces 10 bytes, sends 45, stays open", page(length=10), stays=True),
    Fault("length-negative", "Content-Length: -5", page(length=-5)),
    Fault("length-word", "Content-Length: many", HEAD + b"Content-Length: many\r\n\r\n" + PAGE),
    Fault("length-two", "two Content-Length headers that differ", page("Content-Length: 3")),
    Fault("length-huge", "a Content-Length of 40 digits", HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + PAGE),
    Fault(
        "length-and-chunked", "both framings; chunked counts", page("Transfer-Encoding: chunked", content=b"0\r\n\r\n")
    ),
    Fault("length-none", "no length at all: the end of the connection ends it", HEAD + b"\r\n" + PAGE),
    Fault("close-after-head", "announces 45 bytes, closes after the head", page(content=b"", length=45)),
    Fault("close-amid-head", "closes within the head", HEAD),
    Fault("close-at-once", "closes without a byte of an answer", b""),
)

CHUNKS = (
    _chunked("size", "a chunk size that is no number", b"zz\r\nabc\r\n0\r\n\r\n"),
    _chunked("size-huge", "a chunk size of 40 digits", b"f" * 40 + b"\r\nabc\r\n0\r\n\r\n"),
    _chunked("size-negative", "a negative chunk size", b"-3\r\nabc\r\n0\r\n\r\n"),
    _chunked("overrun", "a chunk longer than its size", b"3\r\nabcdef\r\n0\r\n\r\n"),
    _chunked("unfinished", "closes within a chunk", b"ff\r\nabc"),
    _chunked("no-last", "closes without the last chunk", b"3\r\nabc\r\n"),
    Fault(
        "chunk-extensions",
        "chunk extensions without end",
        forever(_CHUNKED + b"3", lambda: repeat(b";" + b"x" * 8191)),
    ),
    Fault(
        "chunk-trailers",
        "trailers without end",
        forever(_CHUNKED + b"3\r\nabc\r\n0\r\n", lambda: repeat(b"X-Trailer: " + b"x" * 1000 + b"\r\n")),
    ),
    Fault(
        "chunk-tiny",
        "a hundred thousand chunks of one byte, and no last one",
        forever(_CHUNKED, lambda: repeat(b"1\r\nx\r\n" * 1000, 100)),
    ),
    Fault("coding-unknown", "an unknown transfer coding", HEAD + b"Transfer-Encoding: snail\r\n\r\n" + PAGE),
)

STATUS_LINES = (
    _status_line("none", b"Content-Type: text/html"),
    _status_line("word", b"HTTP/1.1 OK"),
    _status_line("short", b"HTTP/1.1 20"),
    _status_line("long", b"HTTP/1.1 2000 OK"),
    _status_line("zero", b"HTTP/1.1 000 OK"),
    _status_line("999", b"HTTP/1.1 999 OK"),
    _status_line("http2", b"HTTP/2 200"),
    _status_line("other-protocol", b"ICY 200 OK"),
    _status_line("endless", b"HTTP/1.1 200 " + b"O" * 400_000),
    Fault("http09", "HTTP/0.9: a page without any head", PAGE),
    Fault("binary", "rubbish", bytes(range(256)) * 4 + b"\r\n\r\n"),
    Fault("ssh", "another protocol's banner", b"SSH-2.0-OpenSSH_9.9\r\n"),
    Fault("switching", "101 unasked", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
)

HEADS = (
    Fault("headers-many", "50,000 headers", HEAD + b"X: 1\r\n" * 50_000 + b"\r\n" + PAGE),
    Fault("headers-long", "a header of 400 kB", HEAD + b"X: " + b"x" * 400_000 + b"\r\n\r\n" + PAGE),
    Fault(
        "headers-endless",
        "headers without end",
        forever(HEAD, lambda: (b"X-%d: " % number + b"x" * 1000 + b"\r\n" for number in count())),
    ),
    Fault("header-nul", "NUL in a header's value", page("X: a\0b")),
    Fault("header-name-nul", "NUL in a header's name", page("X\0Y: a")),
    Fault("header-no-colon", "a header line without a colon", page("no colon here")),
    Fault("header-bytes", "bytes beyond ASCII in a value, which is allowed", page("X: \xe9\xff")),
    Fault("interim-many", "100 interim answers, then a page", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100 + page()),
    Fault(
        "interim-endless",
        "interim answers without end",
        forever(b"", lambda: repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    ),
    Fault("locations", "a redirect with two Locations", page("Location: /page", "Location: /404", status="302 Found")),
)

FRAMING_FAULTS = (*LENGTHS, *CHUNKS, *STATUS_LINES, *HEADS)
