"""Conversion of a backend's cells to the rows that callers see."""

from __future__ import annotations

from thrift_idl.errors import StoreTooNew, StoreUnreadable
from thrift_idl.gen.urlstore.ttypes import Page, UrlRow
from thrift_idl.outcomes import damaged_row_outcome
from urlstore.backends import StoredRow
from urlstore.cells import decode_linked, decode_outcome, decode_page


def url_row(stored: StoredRow) -> UrlRow:
    """The row, its cells unpacked. Raises `StoreTooNew`, `StoreUnreadable`, naming the URL."""
    try:
        page = decode_page(stored.page) if stored.page else None
        return UrlRow(
            key=stored.key,
            url=stored.url,
            page=page,
            redirects_to=stored.redirects_to or None,
            outcome=decode_outcome(stored.outcome) if stored.outcome else None,
            linked_version=_linked_version(stored, page),
        )
    except (StoreTooNew, StoreUnreadable) as error:
        raise type(error)(f"{stored.url}: {error.message}", url=stored.url) from error


def told_row(stored: StoredRow) -> UrlRow:
    """The row; a damaged one has no page, and its outcome says that it is damaged. Raises `StoreTooNew`."""
    try:
        return url_row(stored)
    except StoreUnreadable as error:
        outcome = damaged_row_outcome(error, stored.written_ms)
        return UrlRow(key=stored.key, url=stored.url, redirects_to=stored.redirects_to or None, outcome=outcome)


def is_damaged(row: UrlRow) -> bool:
    """True if `told_row` found the row damaged."""
    return row.page is None and row.outcome is not None and row.outcome.code == StoreUnreadable.code


def identity_of(page: Page | None) -> bytes:
    """The identity of one state of a page's outlinks: version, content, record; empty = no page."""
    return b"" if page is None else page.version.to_bytes(8) + page.content_hash + page.record_hash


def _linked_version(stored: StoredRow, page: Page | None) -> int:
    if page is None or stored.redirects_to or not stored.linked:
        return 0
    try:
        linked = decode_linked(stored.linked)
    except StoreUnreadable:
        return 0  # linking writes it again
    return page.version if linked.done and linked.identity == identity_of(page) else 0


def current_page(stored: StoredRow | None) -> Page | None:
    """The page that a put changes; a damaged one counts as none, so that a put repairs it. Raises `StoreTooNew`."""
    if stored is None or not stored.page:
        return None
    try:
        return decode_page(stored.page)
    except StoreUnreadable:
        return None
