"""The answer to a request, decided without I/O: rule, epoch and count of the request in, an answer out."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from testweb.sites import FailsFirst, Rule, Site

REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Gone",
    413: "Content Too Large",
    421: "Misdirected Request",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Request:
    """The head of one request: header names in lower case, `host` in lower case without the port."""

    method: str
    target: str
    host: str
    headers: Mapping[str, str]
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and content to send, `delay_ms` after the request was read."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    delay_ms: int = 0


def text_answer(status: int, text: str, **headers: str) -> Answer:
    """A short answer in plain text."""
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8"} | headers, text.encode())


def answer(site: Site | None, request: Request, epoch: int, count: int) -> Answer:
    """The answer to the `count`-th request (from 1) of this target, in this epoch."""
    if site is None or site.dead:
        return text_answer(421, f"no site {request.host}\n")
    if request.method not in ("GET", "HEAD"):
        return text_answer(405, "only GET and HEAD here\n", Allow="GET, HEAD")
    rule = site.rules.get(request.target)
    if rule is None:
        return text_answer(404, f"{request.host} has no {request.target}\n")
    return _by_rule(rule.at(epoch), request, count)


def _by_rule(rule: Rule, request: Request, count: int) -> Answer:
    failing = rule.fails_first
    if failing is not None and count <= failing.times:
        return _failure(failing)
    headers = _headers(rule)
    if _is_unchanged(rule, request):
        headers.pop("Content-Type", None)
        return Answer(304, headers, b"", rule.delay_ms)
    content = _content(rule, request, count)
    if rule.gzip and "gzip" in request.headers.get("accept-encoding", ""):
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        content = gzip.compress(content, mtime=0)
    return Answer(rule.status, headers, content, rule.delay_ms)


def _failure(failing: FailsFirst) -> Answer:
    after = {} if failing.retry_after is None else {"Retry-After": str(failing.retry_after)}
    return text_answer(failing.status, "not yet\n", **after)


def _headers(rule: Rule) -> dict[str, str]:
    named = {
        "Content-Type": rule.type or None,
        "Location": rule.location,
        "ETag": rule.etag,
        "Last-Modified": rule.last_modified,
    }
    return {name: value for name, value in named.items() if value is not None} | dict(rule.headers)


def _is_unchanged(rule: Rule, request: Request) -> bool:
    """True if the client's copy is current. If-Modified-Since counts only without If-None-Match (RFC 9110 13.2.2)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return rule.etag is not None and rule.etag.removeprefix("W/") in tags
    since = request.headers.get("if-modified-since")
    if since is None or rule.last_modified is None:
        return False
    try:
        return parsedate_to_datetime(rule.last_modified) <= parsedate_to_datetime(since)
    except ValueError:
        return False


def _content(rule: Rule, request: Request, count: int) -> bytes:
    if rule.nonce is None:
        return rule.content
    digest = hashlib.sha256(f"{request.host}{request.target} {count}".encode()).hexdigest()
    return rule.content.replace(rule.nonce.encode(), digest[: len(rule.nonce)].encode())
