"""A plain GET accepts and rejects what curl does: the replies of its own test suite."""

from __future__ import annotations

from fetcher.decoding import Decoder, codings_of
from fetcher.settings import MIB, TransportSettings
from fetcher.transport.reply import ReplyReader
from tests.conformance.http.replies import load, reply_bytes
from thrift_idl.errors import BadReply

SELECTION = load("curl_selection.json")
CASES = {case["id"]: case for case in load("curl_http_replies.json")["cases"]}

# What is decided otherwise, and why.
OTHERWISE: dict[str, str] = {}


def verdict(raw: bytes, decode: bool, step: int) -> str:
    """ "accept", or why not; the reply arrives in pieces of `step` bytes."""
    reader = ReplyReader("GET", TransportSettings())
    try:
        for start in range(0, len(raw), step):
            reader.feed(raw[start : start + step])
        if not reader.complete:
            reader.eof()
        if decode:
            headers = [value.decode("latin-1") for name, value in reader.head.headers if name == b"content-encoding"]
            decoder = Decoder(codings_of(headers), 10 * MIB)
            decoder.feed(reader.take())
            decoder.content()
    except BadReply as error:
        return error.message
    return "accept"


def misses(step: int) -> dict[str, str]:
    wrong = {}
    for kind in ("accept", "reject"):
        for chosen in SELECTION[kind]:
            found = verdict(reply_bytes(CASES[chosen["id"]]), chosen["decode"], step)
            if (found == "accept") != (kind == "accept") and chosen["id"] not in OTHERWISE:
                wrong[chosen["id"]] = f"{kind} wanted ({CASES[chosen['id']]['name']}): {found}"
    return wrong


def test_replies_are_accepted_and_rejected_as_curl_does() -> None:
    assert len(SELECTION["accept"]) + len(SELECTION["reject"]) == 176
    assert misses(1 << 20) == {}


def test_it_does_not_matter_how_a_reply_is_cut_into_packets() -> None:
    assert misses(1) == {}
    assert misses(7) == {}
