"""The page and the row after a put or a 304, decided and packed before anything is written. Pure, about 0.5 ms."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.ttypes import Page
from thrift_idl.outcomes import fetched_outcome
from thrift_idl.records import replace
from urlstore import cells, headers
from urlstore.backends import RowWrite
from urlstore.due import look_ms, revisit_ms
from urlstore.record_hash import record_hash
from weburl import key_hex
from weburl.earlier_key_versions import has_shared_a_key
from weburl.robots_directives import directives_for_us

APART_MS = 60_000
"""The largest difference of our clocks. A stored time further ahead was written while a clock was wrong."""


def write_time_ms(began_ms: int, previous_write_ms: int, written_ms: int = 0, now_ms: int = 0) -> int:
    """The write time of a fetch, ms since 1970: its beginning, but after the row that it had read.

    `written_ms` is the row's last write time at `now_ms`. One in the future would shut out every write
    until then: the new write comes just after it.
    """
    ahead_ms = written_ms if written_ms > now_ms + APART_MS else 0
    return max(began_ms, previous_write_ms + 1, ahead_ms + 1)


def superseded(current: Page | None, write_ms: int, content_hash: bytes) -> bool:
    """True if the row already holds a later write; of one millisecond the greater content hash is the later."""
    return current is not None and (current.write_ms, current.content_hash) > (write_ms, content_hash)


def next_page(
    current: Page | None,
    key: bytes,
    url: str,
    content_hash: bytes,
    fetched: FetchResult,
    record: PageRecord,
    write_ms: int,
) -> Page:
    """The row's page after this fetch, if it isn't superseded. A second call with the same fetch gives the same.

    The version grows if the content differs from the current row's; the observations of the last fetch (status,
    headers, chain, ...) always change.
    """
    same_content = current is not None and current.content_hash == content_hash
    version = 1 if current is None else current.version + (not same_content)
    new_record_hash = record_hash(record)
    same_record = current is not None and current.record_hash == new_record_hash
    began_ms = fetched.began_ms
    return Page(
        url=url,
        version=version,
        content_hash=content_hash,
        record_hash=new_record_hash,
        content_key=_content_key(current, key, url, content_hash) if may_keep_content(fetched, record) else "",
        content_bytes=len(fetched.content),
        status=fetched.status,
        headers=headers.kept(fetched.headers),
        media_type=fetched.media_type,
        etag=headers.validator(fetched.headers, "etag"),
        last_modified=headers.validator(fetched.headers, "last-modified"),
        fetched_ms=current.fetched_ms if current and same_content else began_ms,
        last_seen_ms=max(current.last_seen_ms, began_ms) if current and same_content else began_ms,
        changed_ms=current.changed_ms if current and same_record else began_ms,
        write_ms=write_ms,
        record=record,
        latency_ms=fetched.latency_ms,
        robots=fetched.robots,
        revisit_ms=revisit_ms(current, changed=not same_record, began_ms=began_ms),
    )


def touched_page(current: Page, fetched: FetchResult, write_ms: int) -> Page:
    """The row's page after a 304: seen again, its header fields freshened (RFC 9111 4.3.4)."""
    return replace(
        current,
        headers=headers.freshened(current.headers, fetched.headers),
        etag=headers.validator(fetched.headers, "etag") or current.etag,
        last_modified=headers.validator(fetched.headers, "last-modified") or current.last_modified,
        last_seen_ms=max(current.last_seen_ms, fetched.began_ms),
        write_ms=write_ms,
        latency_ms=fetched.latency_ms,
        robots=fetched.robots,
        revisit_ms=revisit_ms(current, changed=False, began_ms=fetched.began_ms),
    )


def reread_page(current: Page, record: PageRecord) -> Page:
    """The row's page with another record of the same content, or `current` if only the extractor's version differs.

    The times when the page was fetched, seen and changed stay: our reading changed. A fetch that began later wins.
    """
    if replace(record, extractor_version=current.record.extractor_version) == current.record:
        return current
    return replace(current, record=record, record_hash=record_hash(record), write_ms=current.write_ms + 1)


def content_key(key: bytes, url: str, content_hash: bytes) -> str:
    """The key of new content: never shared by two URLs, so that deleting one URL's can't harm another's.

    Under the URL key; under its hash, if that key was another URL's in an earlier version, whose content is there.
    """
    owner = sha256(key).digest()[: len(key)] if has_shared_a_key(url) else key
    return f"{key_hex(owner)}/{content_hash.hex()}"


def _content_key(current: Page | None, key: bytes, url: str, content_hash: bytes) -> str:
    """The existing key of the content, if it is the row's: that may be under a key of an earlier version."""
    if current is not None and current.content_hash == content_hash and current.content_key:
        return current.content_key
    return content_key(key, url, content_hash)


def may_keep_content(fetched: FetchResult, record: PageRecord) -> bool:
    """True if neither the page's meta robots nor X-Robots-Tag says noarchive to us or to all agents."""
    return "noarchive" not in directives_for_us((*record.robots, *headers.robots_of(fetched.headers)))


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
    if current is not None and superseded(current, write_ms, content_hash):
        return Put(current)
    page = next_page(current, key, url, content_hash, fetched, record, write_ms)
    outcome = cells.encode_outcome(fetched_outcome(fetched))
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
