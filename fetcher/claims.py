"""Canonical claims in a Link header (RFC 8288): where an answer says that its page lives. Whether it holds is decided
at look-up, by others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

import weburl
from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.fetcher.ttypes import CanonicalClaim

_MOST_CLAIMS = 8
_LONGEST = 16 * 1024
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]*))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]*))', re.IGNORECASE)


def header_claims(base: str, values: Sequence[str]) -> Iterator[CanonicalClaim]:
    """Claims of all Link headers, their targets resolved on `base`; what is no URL is no claim."""
    combined = ", ".join(values)[:_LONGEST]
    if "canonical" not in combined.lower():
        return
    for link in _LINK.finditer(combined):
        found = _REL.search(link[2])
        relations = (found[1] or found[2] or "").lower().split() if found else []
        if "canonical" in relations:
            with suppress(InvalidUrl):
                yield CanonicalClaim("header", weburl.join(base, link[1]))


def bounded(claims: Sequence[CanonicalClaim]) -> tuple[CanonicalClaim, ...]:
    """The first few different ones."""
    return tuple(dict.fromkeys(claims))[:_MOST_CLAIMS]
