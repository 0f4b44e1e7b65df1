"""Answers that are too slow or too long, or break off: they need a deadline, a bound or a check of their end."""

from __future__ import annotations

from itertools import repeat

from testweb.faults.kinds import HEAD, PAGE, Fault, forever, page, then_reset, then_silence

SECOND_MS = 1_000


def _bytes_of(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


PACE_FAULTS = (
    Fault("silent", "takes the request and never answers", then_silence(b"")),
    Fault("loris", "headers at a byte a second, without end", forever(HEAD, lambda: repeat(b"x"), SECOND_MS)),
    Fault(
        "loris-lines", "header lines, one a second, without end", forever(HEAD, lambda: repeat(b"X: 1\r\n"), SECOND_MS)
    ),
    Fault("loris-status", "the status line at a byte a second", forever(b"", lambda: _bytes_of(page()), SECOND_MS)),
    Fault("stall", "stops within the body, stays open", then_silence(page(length=1000))),
    Fault("stall-head", "stops within the head, stays open", then_silence(HEAD)),
    Fault("stall-chunk", "stops within a chunk", then_silence(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc")),
    Fault(
        "trickle", "a body at a byte a second, without end", forever(HEAD + b"\r\n", lambda: repeat(b"x"), SECOND_MS)
    ),
    Fault(
        "endless", "a body without end, as fast as it is read", forever(HEAD + b"\r\n", lambda: repeat(b"x" * 65_536))
    ),
    Fault(
        "endless-chunked",
        "chunks without end",
        forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", lambda: repeat(b"8000\r\n" + b"x" * 32_768 + b"\r\n")),
    ),
    Fault(
        "endless-404", "404 with a body without end", forever(b"HTTP/1.1 404 x\r\n\r\n", lambda: repeat(b"x" * 65_536))
    ),
    Fault("reset", "RST within the body", then_reset(page(length=1000))),
    Fault("reset-chunk", "RST within a chunk", then_reset(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc")),
    Fault("reset-after-head", "RST after the head", then_reset(page(content=b"", length=1000))),
    Fault("reset-head", "RST within the head", then_reset(HEAD)),
    Fault("reset-at-once", "RST without a byte of an answer", then_reset(b"", after_ms=0)),
    Fault("late", "a page, half a second late", forever(b"", lambda: [page()], SECOND_MS // 2)),
    Fault("twice", "two answers to one request, stays open", page() + page(content=PAGE[::-1]), stays=True),
    Fault("page", "nothing wrong: what all others are compared with", page(), stays=True),
)
