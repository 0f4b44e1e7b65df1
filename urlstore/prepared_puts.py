"""A put, prepared: all writes are decided and packed before the first one. Pure, about half a millisecond."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.ttypes import Page
from urlstore import cells, page_updates
from urlstore.backends import RowWrite
from urlstore.due import look_ms


@dataclass(frozen=True, slots=True)
class Put:
    """The writes of a put, and its answer."""

    page: Page
    blob: bytes = b""
    """Compressed content to store first; empty = the row names it already, or it isn't kept."""
    row: RowWrite | None = None
    """None = a later write exists."""
    content_changed: bool = False
    record_changed: bool = False


def prepare(current: Page | None, key: bytes, url: str, fetched: FetchResult, record: PageRecord, write_ms: int) -> Put:
    """Decide on a put over the row's `current` page. Raises `ContentTooLarge` if the packed page is."""
    content_hash = sha256(fetched.content).digest()
    if current is not None and page_updates.superseded(current, write_ms, content_hash):
        return Put(current)
    page = page_updates.next_page(current, key, url, content_hash, fetched, record, write_ms)
    outcome = cells.encode_outcome(page_updates.outcome_of(fetched, "fetched"))
    # Page, outcome and the end of the URL's own alias: one write, all or none.
    row = RowWrite(
        key, url, write_ms, page=cells.encode_page(page), redirects_to="", outcome=outcome, due_ms=look_ms(page)
    )
    named_already = current is not None and current.content_key == page.content_key
    return Put(
        page=page,
        blob=cells.compress(fetched.content) if page.content_key and not named_already else b"",
        row=row,
        content_changed=current is None or current.content_hash != content_hash,
        record_changed=current is None or current.record_hash != page.record_hash,
    )
