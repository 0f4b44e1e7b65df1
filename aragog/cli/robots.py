"""`aragog robots`: the verdict of a robots.txt. A filter."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import typer

import weburl
from aragog.cli.filters import MIB, Answer, Fields, Jsonl, Shape, one_of, run_filter, scalar, text_of
from fetcher.robots.rules import RobotsRules, told
from fetcher.settings import RobotsSettings
from thrift_idl.errors import BadConfiguration, InvalidRequest

app = typer.Typer(no_args_is_help=True, help="The verdict of a robots.txt on a URL. No network, no configuration.")

#: A robots.txt as JSON text, each character escaped.
_LONGEST_LINE = 16 * MIB
_LONGEST_URL = 64 * 1024
_MOST = RobotsSettings().max_bytes
#: Compiled files kept: usually many URLs in a row are of one file.
_KEPT = 8
_COMPATIBLE = re.compile(r"[(;] ?compatible; ?([A-Za-z0-9_-]+)")
_NAMED = re.compile(r"([A-Za-z0-9_-]+)/")


@app.callback()
def _group() -> None:
    """Keep `robots` a group while it has one command."""


@app.command()
def check(
    urls: Annotated[
        list[str] | None, typer.Argument(help="URLs, or paths such as /a?b; without, the lines of standard input.")
    ] = None,
    robots: Annotated[Path | None, typer.Option(help="The robots.txt, a file. Needed without --jsonl.")] = None,
    agent: Annotated[str, typer.Option(help="Product token, or a whole User-Agent header.")] = "Aragog",
    jsonl: Jsonl = False,
) -> None:
    """Say whether a robots.txt allows an agent to fetch URLs, and which line decides (RFC 9309).

    `aragog robots check --robots robots.txt --agent Googlebot https://example.com/x` prints four words, separated by
    tabs: allowed or denied, number and text of the deciding line, and the group; `-` if nothing decides. If the
    URL is denied because the file exceeds a bound of ours, a fifth word says so.

    With --jsonl each line brings its own: `{"robots": "User-agent: *\\nDisallow: /x", "agent": "Googlebot",
    "url": "https://example.com/x"}`, or `robots_base64` for bytes; the answer is
    `{"allowed": false, "line": 2, "rule": "disallow: /x", "group": "*"}`.
    """
    if not jsonl and robots is None:
        raise InvalidRequest("name the robots.txt file with --robots, or give JSON lines with --jsonl")
    content = b"" if robots is None else _file(robots)
    columns = ("allowed", "line", "rule", "group")
    shape = Shape(
        jsonl,
        lambda text: {"url": text, "agent": agent, "robots": content},
        columns,
        _LONGEST_LINE,
        at_times=("message",),
    )
    run_filter(shape, verdict, urls)


def verdict(fields: Fields) -> Answer:
    """`{"robots" | "robots_base64", "agent", "url"}` -> `{"allowed", "line", "rule", "group"}`.

    `line` (from 1) and `rule` are null if no rule matches, `group` if no group applies. The content after 500 KiB
    isn't read. If the file exceeds another bound of the fetcher, `flag` names it, and `message` is a sentence on it.
    Raises `InvalidUrl`, `InvalidRequest`.
    """
    content, token = _content(fields), token_of(text_of(fields, "agent"))
    found = _rules(_cut(content), token).verdict(target_of(text_of(fields, "url")))
    answer = {
        "allowed": found.allowed,
        "line": found.line or None,
        "rule": found.rule or None,
        "group": found.group or None,
    }
    return answer | {"flag": found.flag, "message": told(found.flag)} if found.flag else answer


def token_of(agent: str) -> str:
    """The product token of an agent, which may be a whole User-Agent header.

    `Googlebot/2.1 (+http://...)` and `Mozilla/5.0 (compatible; Googlebot/2.1; ...)` are both Googlebot. A text that is
    neither a token nor a header names no agent: it gets the group of `*`.
    """
    if agent.startswith("Mozilla/") and (found := _COMPATIBLE.search(agent)):
        return found[1]
    return found[1] if (found := _NAMED.match(agent)) else agent


def target_of(url: str) -> str:
    """Path and query of a URL, or of a text that begins with a slash; "" is the root, as with Google's parser.

    Longer URLs than we would fetch are answered too, with their path unchanged: rules may be longer.
    """
    if weburl.MAX_LENGTH < len(url) <= _LONGEST_URL and url.startswith(("http://", "https://")):
        return "/" + scalar(url).partition("#")[0].partition("://")[2].partition("/")[2]
    if url == "" or (url[0] == "/" and url[1:2] not in ("/", "\\")):
        return weburl.split(url or "/", "http://h/").target
    return weburl.split(url).target


def _content(fields: Fields) -> bytes:
    if isinstance(given := fields.get("robots"), bytes):  # of a file
        return given
    if one_of(fields, "robots", "robots_base64") == "robots":
        return scalar(text_of(fields, "robots")).encode()
    return decoded(text_of(fields, "robots_base64"), "robots_base64")


def decoded(text: str, name: str) -> bytes:
    """Base64 (RFC 4648), of either alphabet, padded or not, in lines or not. Raises `InvalidRequest`."""
    plain = "".join(text.split()).translate(_STANDARD).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(f'"{name}" is no base64: {error}') from None


_STANDARD = str.maketrans("-_", "+/")


def _cut(content: bytes) -> bytes:
    """The first 500 KiB of a file without an incomplete last line, as the fetcher takes it."""
    if len(content) <= _MOST:
        return content
    kept = content[:_MOST]
    return kept[: max(kept.rfind(b"\n"), kept.rfind(b"\r")) + 1] or kept


@lru_cache(maxsize=_KEPT)
def _rules(content: bytes, token: str) -> RobotsRules:
    return RobotsRules(content, token)


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST + 1)
    except OSError as error:
        raise BadConfiguration(f"--robots {path}: {error.strerror}") from error
