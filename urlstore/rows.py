"""From a backend's cells to the rows that callers see."""

from __future__ import annotations

from thrift_idl.errors import StoreTooNew, StoreUnreadable
from thrift_idl.gen.urlstore.ttypes import Page, UrlRow
from urlstore.backends import StoredRow
from urlstore.cells import decode_outcome, decode_page


def url_row(stored: StoredRow) -> UrlRow:
    """The row, its cells unpacked. Raises `StoreTooNew`, `StoreUnreadable`, naming the URL."""
    try:
        return UrlRow(
            key=stored.key,
            url=stored.url,
            page=decode_page(stored.page) if stored.page else None,
            redirects_to=stored.redirects_to or None,
            outcome=decode_outcome(stored.outcome) if stored.outcome else None,
        )
    except (StoreTooNew, StoreUnreadable) as error:
        raise type(error)(f"{stored.url}: {error.message}", url=stored.url) from error


def current_page(stored: StoredRow | None) -> Page | None:
    """The page that a put builds on; a damaged one counts as none, so that a put mends it. Raises `StoreTooNew`."""
    if stored is None or not stored.page:
        return None
    try:
        return decode_page(stored.page)
    except StoreUnreadable:
        return None
