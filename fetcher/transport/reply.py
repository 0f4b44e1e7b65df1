"""One answer, read from bytes, without I/O: head, framing, body as received. llhttp parses; we bound and repair.

Before the parser sees a head, faults that browsers and curl accept are repaired. llhttp judges the syntax. It refuses
some framing that is unambiguous, and accepts some that isn't; both are decided here, on the few heads that need it.

Sources: RFC 9112 (framing, 6.3), RFC 9110 15.2 (interim answers are skipped).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from fetcher.settings import KIB, MIB, TransportSettings
from thrift_idl.errors import BadReply

_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/\d\.\d[ \t]+(\d{3})")
_LENGTHS = re.compile(rb"^content-length[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_CODINGS = re.compile(rb"^transfer-encoding[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_FRAMING_LINE = re.compile(rb"(?mi)^(?:content-length|transfer-encoding)[ \t]*:.*\n(?:[ \t].*\n)*")
_LOCATIONS = re.compile(rb"^location[ \t]*:(.*)", re.MULTILINE | re.IGNORECASE)
_FOLD = re.compile(rb"\r?\n[ \t]+(?=[^ \t\r\n])")
_LONGEST_LENGTH = 18  # digits: a longer one is invalid, and overflows 64 bits


def head_end(buffer: bytes | bytearray, start: int = 0) -> int:
    """Index after the first blank line from `start` on, which ends the head; -1 = not there yet."""
    found = _END.search(buffer, start)
    return found.end() if found else -1


def status_of(head: bytes) -> int:
    """Status of a head. Raises `BadReply` if it is no HTTP/1 answer."""
    found = _STATUS_LINE.match(head)
    if not found:
        raise BadReply("no HTTP/1 status line", start=ascii(head[:40]))
    return int(found[1])


def mended(head: bytes) -> bytes:
    """`head` with its framing headers made unambiguous. Raises `BadReply` if they contradict each other."""
    if b"\0" in head:
        raise BadReply("NUL in the head")
    if b"\n " in head or b"\n\t" in head:
        head = _FOLD.sub(b" ", head)  # RFC 9112 5.2; the parser would copy a field again for each of its lines
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
    """Transfer-Encoding, which overrides Content-Length (RFC 9112 6.3): only chunked; identity counts as none."""
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


RawHeaders = tuple[tuple[bytes, bytes], ...]
_BODILESS = frozenset((204, 304))
_FRAMING_BYTES = MIB  # chunk sizes, extensions and trailers, beyond 8 for each byte of the body, and...
_MOST_BARREN = 32 * KIB  # ... those without a byte of body between them: llhttp takes quadratic time for folds
_PART = 32 * KIB  # read at once: 2 ms of chunks of a byte
_MANY = 16  # chunks of one part: they are held as one


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """Status and raw headers in order."""

    status: int
    headers: RawHeaders


class ReplyReader:
    """Takes the socket's bytes; it knows when the answer is complete and whether the connection may be used again.

    `pieces` fills with the body on the wire (dechunked, still content-coded); the owner empties it. Chunks may be of a
    byte each, and reading them then takes time: received bytes stay `unread` until the owner calls `read_on`.
    """

    def __init__(self, method: str, settings: TransportSettings) -> None:
        self._settings = settings
        self._method = method
        self._buffer = bytearray()
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = self._wire_bytes = self._barren_bytes = 0
        self._parser = httptools.HttpResponseParser(self)
        # As tolerant as curl in line ends and white space; `mended` has already decided the framing.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_version=True,
            lenient_optional_lf_after_cr=True,
            lenient_optional_cr_before_lf=True,
            lenient_optional_crlf_after_chunk=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._until_close = self._chunked = self._closed = False
        self.head: ReplyHead | None = None
        self.pieces: list[bytes] = []
        self.unread = memoryview(b"")
        self.buffered = 0
        self.body_bytes = 0
        self.complete = False
        self.early_close = False
        self.reusable = False
        self.started = False

    def feed(self, data: bytes) -> None:
        """Take the received bytes, and read all of them. Raises `BadReply`."""
        self.receive(data)
        while self.unread:
            self.read_on()

    def receive(self, data: bytes) -> None:
        """Take the received bytes. Raises `BadReply`."""
        self.started = True
        if self.complete:
            self.reusable = False  # more than was announced: it belongs to no known request
        elif self.head is None:
            self._feed_head(data)
        else:
            self._feed_body(data)

    def read_on(self) -> None:
        """Decode the chunks of a little of `unread`. Raises `BadReply`."""
        part, self.unread = self.unread[:_PART], self.unread[_PART:]
        held, before = len(self.pieces), self.body_bytes
        self._parse(part)
        self.buffered -= len(part)
        if len(self.pieces) > held + _MANY:
            self.pieces[held:] = [b"".join(self.pieces[held:])]
        self._wire_bytes += len(part)
        self._barren_bytes = 0 if self.body_bytes > before else self._barren_bytes + len(part)
        excess = self._wire_bytes - self.body_bytes - 8 * self.body_bytes
        if excess > _FRAMING_BYTES or self._barren_bytes >= _MOST_BARREN:
            raise BadReply("more framing than body")
        if self.complete:
            self.reusable = self.reusable and not self.unread
            self.unread = memoryview(b"")
        elif self._closed and not self.unread:
            self.complete = self.early_close = True

    def eof(self, *, broken: bool = False) -> None:
        """The server closed, or the connection broke. Raises `BadReply` if no head came."""
        self.reusable = False
        if self.complete:
            return
        if self.head is None:
            raise BadReply("closed before the end of the head")
        self._closed = True
        if not self.unread:
            self.early_close = broken or not self._until_close
            self.complete = True

    def take(self) -> bytes:
        """The body received since the last call."""
        pieces, self.pieces, self.buffered = self.pieces, [], len(self.unread)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _feed_head(self, data: bytes) -> None:
        left, searched = self._with_buffered(data)
        begin = 0
        while (end := head_end(left, searched)) >= 0:
            head, begin, searched = bytes(left[begin:end]), end, end
            self._head_bytes += len(head)
            self._check_head_size(self._head_bytes)
            status = status_of(head)
            if 100 <= status <= 199 and status != 101:
                continue
            self._parse_head(head, status)
            rest, self._buffer = bytes(left[begin:]), bytearray()
            if rest and not self.complete:
                self._feed_body(rest)
            elif rest:
                self.reusable = False
            return
        if begin or left is not self._buffer:
            self._buffer = bytearray(left[begin:])
        self._check_head_size(self._head_bytes + len(self._buffer))

    def _with_buffered(self, data: bytes) -> tuple[bytes | bytearray, int]:
        """The head so far, and the position from which it hasn't been searched: most come whole, and aren't copied."""
        if not self._buffer:
            return data.lstrip(b"\r\n"), 0
        searched = max(0, len(self._buffer) - 3)  # the blank line may be cut in two
        self._buffer += data
        return self._buffer, searched

    def _check_head_size(self, size: int) -> None:
        if size > self._settings.max_head_bytes:
            raise BadReply(f"the head exceeds {self._settings.max_head_bytes} bytes")

    def _parse_head(self, head: bytes, status: int) -> None:
        self._parse(mended(head))
        if self.head is None:
            raise BadReply("the head doesn't parse")
        names = {name for name, _ in self.head.headers}
        chunked, length = b"transfer-encoding" in names, b"content-length" in names
        if self._method == "HEAD" or status in _BODILESS:
            keep = self.reusable if self.complete else self._parser.should_keep_alive()
            self.complete = True
            self.reusable = keep and not chunked and not length
        self._until_close, self._chunked = not chunked and not length, chunked

    def _feed_body(self, data: bytes) -> None:
        if self._chunked:
            self.unread = memoryview(bytes(self.unread) + data if self.unread else data)
            self.buffered += len(data)
        else:
            self._parse(data)

    def _parse(self, data: bytes | memoryview) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadReply("switches protocols unasked") from None
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, BadReply):
                raise cause from None
            if not self.complete:
                raise BadReply(f"no HTTP/1.1: {error}") from None
            self.reusable = False

    # Called by the parser.

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        if self.head is not None:
            if b"\0" in value:
                raise BadReply("NUL in a trailer")
            return  # a trailer: we need none
        if len(self._headers) >= self._settings.max_headers:
            raise BadReply(f"more than {self._settings.max_headers} headers")
        self._headers.append((name.lower(), value.strip()))

    def on_headers_complete(self) -> None:  # noqa: D102
        self.head = ReplyHead(self._parser.get_status_code(), tuple(self._headers))

    def on_body(self, body: bytes) -> None:  # noqa: D102
        if not self.complete:
            self.pieces.append(body)
            self.buffered += len(body)
            self.body_bytes += len(body)

    def on_message_begin(self) -> None:  # noqa: D102
        if self.complete:
            self.reusable = False

    def on_message_complete(self) -> None:  # noqa: D102
        if not self.complete:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()
