"""Canonical claims in a Link header (RFC 8288): the location that an answer claims for its page. The look-up decides
later if a claim holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import weburl
from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.fetcher.ttypes import CanonicalClaim
from weburl.link_header import links

_MOST_CLAIMS = 8
_LONGEST = 16 * 1024


def header_claims(base: str, values: Sequence[str]) -> Iterator[CanonicalClaim]:
    """Claims of all Link headers, their targets resolved on `base`; a target that is no URL is no claim."""
    combined = ", ".join(values)[:_LONGEST]
    if "canonical" not in combined.lower():
        return
    for target, relations in links(combined):
        if "canonical" in relations:
            with suppress(InvalidUrl):
                yield CanonicalClaim("header", weburl.join(base, target))


def bounded(claims: Sequence[CanonicalClaim]) -> tuple[CanonicalClaim, ...]:
    """The first few different ones."""
    return tuple(dict.fromkeys(claims))[:_MOST_CLAIMS]
