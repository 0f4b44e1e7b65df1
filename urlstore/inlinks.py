"""Inlinks: the entries that a page's row gives to its targets, and the writes that are needed for them. Pure.

A page has one entry with each target: its first link there (a nofollow one only if there is no other). A link to
itself makes none. Pages that say noindex or nofollow link like others: readers decide about publishing and following,
and entries carry nofollow. A URL that redirects, or has no page, links to nothing.

Writes carry a stamp, and for every entry the later stamp stays. A pass over a page records its intended writes, reads
the row again, writes, and records that it is done; it starts again if the row has changed. So a pass over a later state
of the row knows every entry that an earlier pass may write, even one that died or is late: either the record of the
earlier pass was there to read, or that pass finds the later state when it reads again, and writes nothing. Stamps grow
from state to state, so that a late write loses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from thrift_idl.errors import InvalidUrl, StoreUnreadable
from thrift_idl.gen.page.ttypes import Link
from thrift_idl.gen.urlstore.ttypes import Inlink, Linked, Page
from thrift_idl.records import replace
from urlstore.backends import InlinkKind, InlinkWrite, StoredRow
from urlstore.cells import decode_linked, encode_inlink, encode_linked
from urlstore.rows import current_page, identity_of
from weburl import KEY_BYTES, url_key

MAX_TARGETS = 10_000
"""Targets of one page, the first ones in document order.

A record may keep more links (`extraction.limits`); but writing them to their targets must end within a call's deadline
on a slow Cassandra, or a hostile page would hold up linking for good.
"""

_MAX_TEXT = 1_000
_MAX_REL = 16


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over one page, to be made in the order of its fields."""

    row: StoredRow
    """The cells on which it was decided: it is valid while the row has these cells and this write time."""
    stamp_us: int
    note: bytes
    """`linked` cell before the entries are written: the entries that may exist from now on."""
    writes: tuple[InlinkWrite, ...]
    done: bytes
    """`linked` cell after them."""

    def holds(self, row: StoredRow | None) -> bool:
        """True if `row`, read after the note was written, is still in the state that is being linked."""
        before = self.row
        return row is not None and (row.page, row.redirects_to, row.written_ms) == (
            before.page,
            before.redirects_to,
            before.written_ms,
        )


def next_pass(row: StoredRow, left: Collection[bytes] = ()) -> Pass | None:
    """The pass that makes the inlinks of the row's targets agree with it; None = nothing to do. Raises `StoreTooNew`.

    Nothing is done for a damaged row: its links are unknown until its page is fetched again, and its targets keep what
    the last pass gave them.

    `left`: keys that targets of the row had before their present ones. If the row is linked, only the entries under
    those keys are corrected.
    """
    page = None if row.redirects_to else current_page(row)
    if page is None and row.page and not row.redirects_to:
        return None
    identity = identity_of(page)
    last = _last(row)
    is_same = last.identity == identity
    is_linked = is_same and last.done
    if is_linked and not left:
        return None
    entries = entries_of(page, row.key) if page else {}
    targets = _keys(last.targets)
    if is_linked and entries.keys() == targets:
        return None
    wanted = {t: e for t, e in entries.items() if t not in targets or t in left} if is_linked else entries
    stamp_us = last.stamp_us if is_same and not is_linked else max(row.written_ms * 1_000, last.stamp_us + 1)
    stale = sorted((targets | _keys(last.stale)) - entries.keys())
    note = Linked(False, stamp_us, identity, b"".join(sorted(entries)), b"".join(stale))
    page_write_ms = page.write_ms if page else 0
    return Pass(
        row=row,
        stamp_us=stamp_us,
        note=encode_linked(note, page_write_ms),
        writes=(
            *(
                InlinkWrite(target, InlinkKind.LINK, row.key, stamp_us, encode_inlink(e))
                for target, e in wanted.items()
            ),
            *(InlinkWrite(target, InlinkKind.LINK, row.key, stamp_us, b"") for target in stale),
        ),
        done=encode_linked(replace(note, done=True, stale=b""), page_write_ms),
    )


def entries_of(page: Page, key: bytes) -> dict[bytes, Inlink]:
    """The page's entry with each target, by URL key; `key` is the page's own."""
    found: dict[bytes, Link] = {}
    for target, link in _targets(page.record.outlinks):
        known = found.get(target)
        if target != key and (len(found) < MAX_TARGETS if known is None else known.nofollow and not link.nofollow):
            found[target] = link
    return {target: _entry(page, link) for target, link in found.items()}


def removals(row: StoredRow) -> tuple[InlinkWrite, ...]:
    """The writes that remove all the entries that the row's links may have, by its last pass."""
    last = _last(row)
    targets = sorted(_keys(last.targets) | _keys(last.stale))
    return tuple(InlinkWrite(target, InlinkKind.LINK, row.key, last.stamp_us, b"") for target in targets)


def _targets(links: Iterable[Link]) -> Iterable[tuple[bytes, Link]]:
    for link in links:
        try:
            yield url_key(link.url), link
        except InvalidUrl:
            continue  # no stored URL links back to it


def _entry(page: Page, link: Link) -> Inlink:
    return Inlink(page.url, tuple(link.rel[:_MAX_REL]), link.text[:_MAX_TEXT], link.nofollow, page.version)


def _last(row: StoredRow) -> Linked:
    """The row's note. If it is damaged or was never written: nothing is linked, and that is done."""
    try:
        if row.linked:
            return decode_linked(row.linked)
    except StoreUnreadable:
        pass  # its knowledge is lost; the page's own targets are written again
    return Linked(done=True, stamp_us=-1, identity=b"", targets=b"")


def _keys(packed: bytes) -> set[bytes]:
    return {packed[start : start + KEY_BYTES] for start in range(0, len(packed), KEY_BYTES)}
