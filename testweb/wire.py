"""HTTP/1.1 on a stream (RFC 9112): a request head in, an answer out. Only what the sample web needs, bounded."""

from __future__ import annotations

import asyncio

from testweb.answers import REASONS, Answer, Request

MAX_HEAD_BYTES = 16_384
MAX_CONTENT_BYTES = 65_536


class BadRequestError(Exception):
    """The bytes are no request that we serve; `status` is the answer. The connection is closed after it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status} {REASONS[status]}")
        self.status = status


async def read_head(reader: asyncio.StreamReader) -> Request | None:
    """The next request head; None when the client closed between requests. Raises BadRequestError."""
    try:
        first = await reader.readexactly(1)
        if not b"A" <= first <= b"Z":  # A TLS hello on the plain port: refuse at once, or both sides would wait.
            raise BadRequestError(400)
        head = first + await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequestError(431) from None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return parse_head(head)


def parse_head(head: bytes) -> Request:
    """The request in a head. Raises BadRequestError if it isn't one."""
    request_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
    parts = request_line.split(" ")
    if len(parts) != 3 or not parts[1].startswith("/") or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequestError(400)
    headers = dict(_header(line) for line in lines)
    host = headers.get("host", "").lower().partition(":")[0]
    wishes = headers.get("connection", "").lower()
    keep_alive = wishes != "close" if parts[2] == "HTTP/1.1" else wishes == "keep-alive"
    return Request(parts[0], parts[1], host, headers, keep_alive)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise BadRequestError(400)
    return name.lower(), value.strip(" \t")


async def skip_content(reader: asyncio.StreamReader, request: Request) -> None:
    """Read past the content of the request. Raises BadRequestError if that is too long or chunked."""
    if "transfer-encoding" in request.headers:
        raise BadRequestError(400)
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequestError(400)
    if int(length[:9]) > MAX_CONTENT_BYTES:
        raise BadRequestError(413)
    await reader.readexactly(int(length))


def encode(answer: Answer, *, head_only: bool, keep_alive: bool) -> bytes:
    """The answer as bytes; a HEAD request gets the same headers without the content (RFC 9110 9.3.2)."""
    headers = dict(answer.headers)
    if answer.status != 304:
        headers["Content-Length"] = str(len(answer.content))
    headers["Connection"] = "keep-alive" if keep_alive else "close"
    lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head if head_only or answer.status == 304 else head + answer.content
