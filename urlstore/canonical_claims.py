"""Canonical claims: the URL that a page claims as its own, and the decision to believe it.

Pure, decided at look-up from the two rows and never stored: so it doesn't depend on the order of fetches.
"""

from __future__ import annotations

from hashlib import sha256

from thrift_idl.errors import InvalidUrl
from thrift_idl.gen.fetcher.ttypes import CanonicalClaim
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.ttypes import ClaimVerdict, Page, UrlRow
from urlstore import headers
from weburl import join, url_key

_NO_TEXT = (b"", sha256(b"").digest())


def claims_of(page: Page) -> tuple[CanonicalClaim, ...]:
    """The page's claims, the deciding one first: Link header, link tag, og:url; only those to http(s)."""
    named = (
        ("header", headers.canonical_link(page.headers)),
        ("tag", page.record.canonical),
        ("og", page.record.og_url),
    )
    claims = (_claim(source, url, page.url) for source, url in named if url)
    return tuple(claim for claim in claims if claim)


def verdict(claim: CanonicalClaim, row: UrlRow, target: UrlRow | None) -> ClaimVerdict:
    """The verdict on `row`'s claim; `target` is the row at the end of the claimed URL's redirects."""
    why_not = "" if _is_same(target, row) else _objection(row.page, target)
    why = why_not or ("the page names itself" if _is_same(target, row) else "title and text match")
    return ClaimVerdict(source=claim.source, url=claim.url, holds=not why_not, why=why)


def canonical_url(row: UrlRow, judged: list[tuple[ClaimVerdict, UrlRow | None]]) -> str:
    """The URL of the page: the target of the first claim that holds, otherwise the row's own URL."""
    return next((target.url for given, target in judged if given.holds and target), row.url)


def _claim(source: str, url: str, base: str) -> CanonicalClaim | None:
    try:
        return CanonicalClaim(source=source, url=join(base, url))
    except InvalidUrl:
        return None


def _is_same(target: UrlRow | None, row: UrlRow) -> bool:
    return target is not None and target.key == row.key


def _objection(page: Page | None, target: UrlRow | None) -> str:
    """The reason why a claim on another row doesn't hold; "" = it does."""
    if page is None or target is None or target.page is None:
        return "the target was never fetched"
    if target.redirects_to:
        return "the target redirects in a circle"
    if _names_another(target, target.page):
        return "the target names another URL"
    return _difference(page.record, target.page.record)


def _difference(page: PageRecord, target: PageRecord) -> str:
    if page.text_hash in _NO_TEXT:
        return "the page has no text to compare"  # all empty shells look alike
    if page.text_hash != target.text_hash:
        return "the text differs from the target's"
    return "" if page.title == target.title else "the title differs from the target's"


def _names_another(row: UrlRow, page: Page) -> bool:
    """True if the deciding claim of the page names another URL than its own."""
    claims = claims_of(page)
    return bool(claims) and url_key(claims[0].url) != row.key
