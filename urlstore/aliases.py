"""Redirecting URLs: the aliases of a redirect chain, and their targets. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.fetcher.ttypes import Hop
from urlstore.backends import StoredRow
from weburl import request_form, url_key

MAX_ALIASES = 10
"""The number of aliases that are followed: the same as redirects of a fetch."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A URL and the URL that it redirects to, both in request form."""

    key: bytes
    url: str
    target: str
    status: int
    """HTTP status of the redirect; 200 for a meta refresh."""


@dataclass(frozen=True, slots=True)
class AliasWalk:
    """The target of a URL."""

    row: StoredRow | None
    """The last row on the way; in a loop the requested URL's own."""
    followed: tuple[str, ...]
    """URLs of the followed aliases, the requested one first; in a loop all of it."""
    cycle: bool
    """The aliases form a loop or are more than `MAX_ALIASES`."""


def aliases_of(chain: Iterable[Hop], served: bytes | None) -> tuple[Alias, ...]:
    """The aliases that a chain makes; `served` is the key of the URL that answered in the end, which is none.

    A URL that the chain visits twice (it redirected until a cookie came back) leads to the target of its last visit. A
    hop from one spelling of a URL to another of the same key is no alias, nor is one to a URL other than http(s).
    """
    last: dict[bytes, Alias] = {}
    for hop in chain:
        alias = _alias(hop)
        if alias and alias.key != served:
            last.pop(alias.key, None)
            if url_key(alias.target) != alias.key:
                last[alias.key] = alias
    return tuple(last.values())


def _alias(hop: Hop) -> Alias | None:
    try:
        url = request_form(hop.url)
        return Alias(url_key(url), url, request_form(hop.target), hop.status)
    except InvalidUrl:
        return None


def walk(key: bytes) -> Generator[bytes, StoredRow | None, AliasWalk]:
    """Follow aliases from `key`: yields the key of each row that it needs, is sent the row, returns the end.

    The way ends at an alias whose target has no row yet.
    """
    asked = row = yield key
    followed: list[str] = []
    seen = {key}
    while row is not None and row.redirects_to:
        key = url_key(row.redirects_to)
        if key in seen or len(followed) == MAX_ALIASES:
            return AliasWalk(asked, (*followed, row.url), cycle=True)
        following = yield key
        if following is None:
            break
        seen.add(key)
        followed.append(row.url)
        row = following
    return AliasWalk(row, tuple(followed), cycle=False)
