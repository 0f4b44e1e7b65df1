"""Combined Content-Length and Content-Type headers, by the web platform tests."""

from __future__ import annotations

import pytest

from fetcher.mediatype import content_type
from fetcher.settings import TransportSettings
from fetcher.transport.reply import ReplyReader
from tests.conformance.http.replies import load
from thrift_idl.errors import BadReply

LENGTHS = load("wpt_content_lengths.json")["cases"]
TYPES = load("wpt_content_types.json")["cases"]

# Where browsers and curl differ we do as curl, whose suite is the target: what is no number is an error (test394,
# test768), and 030 is 30 (test770).
AS_CURL = {
    "Content-Length: aaaah\r\nContent-Length: aaaah": None,
    "Content-Length: aaaah, aaaah": None,
    "Content-Length: aaaah": None,
    "Content-Length: 42s": None,
    "Content-Length: 30s": None,
    "Content-Length: -1": None,
    "Content-Length: 0x20": None,
    "Content-Length: 030\r\nContent-Length: 30": 30,
    "Content-Length: 030, 30": 30,
}


def body_length(headers: str) -> int | None:
    reader = ReplyReader("GET", TransportSettings())
    try:
        reader.feed(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode("latin-1") + b"x" * 42)
        if not reader.complete:
            reader.eof()
    except BadReply:
        return None
    return reader.body_bytes


@pytest.mark.parametrize("case", LENGTHS, ids=lambda case: repr(case["headers"]))
def test_content_length(case) -> None:
    assert body_length(case["headers"]) == AS_CURL.get(case["headers"], case["output"])


@pytest.mark.parametrize("case", TYPES, ids=lambda case: repr(case["input"]))
def test_content_type(case) -> None:
    media_type, _ = content_type(case["input"])
    assert media_type == (case["mimeType"] or "").partition(";")[0]
