"""The head of an answer before the parser sees it: its end, and the repair of faults that browsers and curl accept.

llhttp judges the syntax. It refuses some framing that is unambiguous, and accepts some that isn't; both are decided
here, on the few heads that need it, by RFC 9112 6.3.
"""

from __future__ import annotations

import re

from thrift_idl.errors import BadReply

_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/\d\.\d[ \t]+(\d{3})")
_LENGTHS = re.compile(rb"^content-length[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_CODINGS = re.compile(rb"^transfer-encoding[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_FRAMING_LINE = re.compile(rb"(?mi)^(?:content-length|transfer-encoding)[ \t]*:.*\n(?:[ \t].*\n)*")
_LOCATIONS = re.compile(rb"^location[ \t]*:(.*)", re.MULTILINE | re.IGNORECASE)
_FOLD = re.compile(rb"\r?\n[ \t]+(?=[^ \t\r\n])")
_LONGEST_LENGTH = 18  # digits: anything longer can't be meant, and overflows 64 bits


def head_end(buffer: bytes | bytearray, start: int = 0) -> int:
    """Index after the first blank line from `start` on, which ends the head; -1 = not there yet."""
    found = _END.search(buffer, start)
    return found.end() if found else -1


def status_of(head: bytes) -> int:
    """Status of a head. Raises `BadReply` for what is no HTTP/1 answer."""
    found = _STATUS_LINE.match(head)
    if not found:
        raise BadReply("no HTTP/1 status line", start=ascii(head[:40]))
    return int(found[1])


def mended(head: bytes) -> bytes:
    """`head` with its framing headers made unambiguous. Raises `BadReply` where they contradict each other."""
    if b"\0" in head:
        raise BadReply("NUL in the head")
    if b"\n " in head or b"\n\t" in head:
        head = _FOLD.sub(b" ", head)  # RFC 9112 5.2; the parser would copy a field anew for each of its lines
    lower = head.lower()
    if lower.count(b"\nlocation") > 1:
        _check_locations(head)
    lengths, codings = _LENGTHS.findall(lower), _CODINGS.findall(lower)
    if not codings and (not lengths or (len(lengths) == 1 and lengths[0].strip().isdigit())):
        if lengths and len(lengths[0].strip()) > _LONGEST_LENGTH:
            return _FRAMING_LINE.sub(b"", head)
        return head
    if not lengths and len(codings) == 1 and codings[0].strip() == b"chunked":
        return head
    return _reframed(head, lengths, codings)


def _reframed(head: bytes, lengths: list[bytes], codings: list[bytes]) -> bytes:
    """The head with one framing header, or none for a body that ends with the connection."""
    framing = _chunked_line(codings) or _length_line(lengths)
    stripped = _FRAMING_LINE.sub(b"", head)
    line_end = stripped.index(b"\n") + 1
    return stripped[:line_end] + framing + stripped[line_end:]


def _chunked_line(codings: list[bytes]) -> bytes:
    """Transfer-Encoding, which overrides Content-Length (RFC 9112 6.3); only chunked is ours, identity is none."""
    named = [coding.strip() for line in codings for coding in line.split(b",")]
    if [coding for coding in named if coding not in (b"", b"identity", b"chunked")]:
        raise BadReply("unknown transfer coding", coding=ascii(b", ".join(named)[:60]))
    if b"chunked" in named:
        if named[-1] != b"chunked" or named.count(b"chunked") > 1:
            raise BadReply("chunked is not the last transfer coding")
        return b"transfer-encoding: chunked\r\n"
    return b""


def _length_line(lengths: list[bytes]) -> bytes:
    """Content-Length; repeated ones must agree."""
    if not lengths:
        return b""
    values = [value.strip() for line in lengths for value in line.split(b",")]
    if not all(value.isdigit() for value in values):
        raise BadReply("Content-Length is no number", length=ascii(b",".join(values)[:60]))
    if len({value.lstrip(b"0") for value in values}) > 1:
        raise BadReply("Content-Length headers contradict each other", length=ascii(b",".join(values)[:60]))
    return b"content-length: " + values[0] + b"\r\n" if len(values[0]) <= _LONGEST_LENGTH else b""


def _check_locations(head: bytes) -> None:
    if len({value.strip() for value in _LOCATIONS.findall(head)}) > 1:
        raise BadReply("Location headers contradict each other")
