"""Links of a page's row: their entries, the writes and removals, the content of one mutation."""

from __future__ import annotations

from dataclasses import replace as changed
from pathlib import Path

import pytest

from tests.support.stores import open_backends, service_over
from tests.support.urlstore_requests import T0, chain, fetched, inlinks_of, link, put, record
from thrift_idl.errors import StoreTooNew
from thrift_idl.gen.page.ttypes import Link
from thrift_idl.gen.urlstore.ttypes import Page
from thrift_idl.records import replace
from urlstore.aliases import MAX_UNITED
from urlstore.backends import InlinkKind, InlinkWrite, StoredRow
from urlstore.bounds import MAX_LINK_URLS
from urlstore.cells import decode_linked, encode_page
from urlstore.inlinks import MAX_TARGETS, entries_of, next_pass
from urlstore.page_updates import prepare
from weburl import url_key

URL = "http://a.test/"
KEY = url_key(URL)


def _page(*links: str | Link, at: int = 1) -> Page:
    outlinks = tuple(Link(each, (), "", False) if isinstance(each, str) else each for each in links)
    page = replace(record(), outlinks=outlinks)
    return prepare(None, KEY, URL, fetched(URL, repr(links).encode(), at=at), page, T0 + at).page


def _row(page: Page | None, linked: bytes = b"", redirects_to: str = "", at: int = 1) -> StoredRow:
    return StoredRow(KEY, URL, encode_page(page) if page else b"", redirects_to, b"", linked, T0 + at)


def _targets(row: StoredRow, *, removed: bool = False) -> set[bytes]:
    made = next_pass(row)
    assert made is not None
    return {write.target_key for write in made.writes if (not write.cell) == removed}


def test_a_hostile_page_has_bounded_entries_with_bounded_text() -> None:
    page = _page(
        Link("http://b.test/", ("x",) * 100, "t" * 5_000, False), *(f"http://{n}.test/" for n in range(MAX_TARGETS + 9))
    )
    entries = entries_of(page, KEY)
    assert len(entries) == MAX_TARGETS
    assert (len(entries[url_key("http://b.test/")].rel), len(entries[url_key("http://b.test/")].text)) == (16, 1_000)


def test_a_row_that_never_had_links_needs_no_pass() -> None:
    for row in (_row(None), _row(None, redirects_to="http://b.test/"), _row(_page("http://b.test/"), b"", URL + "to")):
        assert next_pass(row) is None


def test_a_damaged_row_leaves_its_targets_as_they_are_until_its_page_is_there_again() -> None:
    b, c = "http://b.test/", "http://c.test/"
    first = next_pass(_row(_page(b)))
    assert first is not None
    damaged = changed(_row(None, first.done, at=2), page=b"\x01" * 60)
    for note in (first.done, first.note, b""):
        assert next_pass(changed(damaged, linked=note)) is None
        assert next_pass(changed(damaged, linked=note), {url_key(b)}) is None
    fetched_again = _row(_page(c, at=3), first.done, at=3)
    assert (_targets(fetched_again), _targets(fetched_again, removed=True)) == ({url_key(c)}, {url_key(b)})
    gone = changed(damaged, redirects_to=c)
    assert _targets(gone, removed=True) == {url_key(b)}, "a redirect links to nothing, whatever its page was"


def test_a_page_without_links_is_noted_as_linked() -> None:
    made = next_pass(_row(_page()))
    assert made is not None and made.writes == ()
    assert next_pass(_row(_page(), made.done)) is None
    assert next_pass(_row(_page(), made.note)) is not None, "noted, but not done"


def test_targets_of_all_that_was_noted_lose_their_entries() -> None:
    b, c, d = ("http://b.test/", "http://c.test/", "http://d.test/")
    first = next_pass(_row(_page(b, c)))
    assert first is not None
    second = next_pass(_row(_page(c, d, at=2), first.note, at=2))
    assert second is not None and second.stamp_us > first.stamp_us
    third = _row(_page(d, at=3), second.note, at=3)
    assert (_targets(third), _targets(third, removed=True)) == ({url_key(d)}, {url_key(b), url_key(c)})
    assert _targets(changed(third, linked=second.done), removed=True) == {url_key(c)}
    assert decode_linked(second.done).stale == b""


def test_a_state_of_the_same_write_time_gets_a_later_stamp() -> None:
    first = next_pass(_row(_page("http://b.test/"), at=5))
    assert first is not None
    later = next_pass(_row(_page("http://c.test/", at=2), first.done, at=5))
    again = next_pass(_row(_page("http://b.test/"), first.note, at=9))
    assert later is not None and again is not None
    assert (first.stamp_us, later.stamp_us, again.stamp_us) == ((T0 + 5) * 1_000, (T0 + 5) * 1_000 + 1, first.stamp_us)


def test_a_pass_holds_while_page_alias_and_write_time_stay() -> None:
    row = _row(_page("http://b.test/"))
    made = next_pass(row)
    assert made is not None
    assert made.holds(row) and made.holds(changed(row, linked=b"another's", outcome=b"another"))
    assert not made.holds(None)
    for other in ({"page": b"another"}, {"redirects_to": "http://b.test/"}, {"written_ms": T0 + 2}):
        assert not made.holds(changed(row, **other))


def test_a_damaged_note_is_written_anew_and_a_newer_aragogs_is_told() -> None:
    for damaged in (b"\x01", b"\x01" * 40):
        assert _targets(_row(_page("http://b.test/"), damaged)) == {url_key("http://b.test/")}
    with pytest.raises(StoreTooNew):
        next_pass(_row(_page("http://b.test/"), b"\x02later"))


def test_writes_side_by_side_make_one_mutation_up_to_its_size() -> None:
    pytest.importorskip("cassandra")
    from urlstore.backends.cassandra import _batches

    def write(target: int, source: int, size: int = 10) -> InlinkWrite:
        return InlinkWrite(bytes((target,)) * 16, InlinkKind.LINK, bytes((source,)) * 16, 1, b"x" * size)

    small = [write(1, 0x10), write(1, 0x1F), write(1, 0x20), write(2, 0x20)]
    assert [len(batch) for batch in _batches(small)] == [2, 1, 1]
    large = [write(1, 0x10, 3_000), write(1, 0x11, 3_000), write(1, 0x12, 9_000), write(1, 0x13), write(1, 0x14)]
    assert [len(batch) for batch in _batches(large)] == [1, 1, 1, 2]
    assert list(_batches([])) == []


async def test_of_many_aliases_those_nearest_are_united(tmp_path: Path) -> None:
    service = service_over(await open_backends("sqlite:///:memory:", f"file:///{tmp_path}"))
    page, count = "http://page.test/", MAX_UNITED + 20
    near, far = ([f"http://{kind}{n}.test/" for n in range(count)] for kind in ("near", "far"))
    for number in range(count):
        await service.put_page(put(page, at=number, chain=chain(far[number], near[number], page)))
    sources = [f"http://from{number}.test/" for number in range(2 * count)]
    for source, target in zip(sources, (*near, *far), strict=True):
        await service.put_page(put(source, page=record(links=[target])))
    for start in range(0, len(sources), MAX_LINK_URLS):
        await service.link_pages(link(*sources[start : start + MAX_LINK_URLS]))
    found = (await service.inlinks(inlinks_of(page))).inlinks
    assert sorted(inlink.via for inlink in found) == sorted(sorted(near, key=url_key)[:MAX_UNITED])
    assert (await service.inlinks(inlinks_of(page, own=True))).inlinks == ()
    await service.close()


async def test_an_answer_ends_at_its_size(tmp_path: Path) -> None:
    service = service_over(await open_backends("sqlite:///:memory:", f"file:///{tmp_path}"))
    sources = [f"http://from.test/{number}/{'x' * 8_000}" for number in range(1_200)]
    outlinks = (Link("http://to.test/", (), "t" * 1_000, False),)
    for start in range(0, len(sources), 200):
        for source in sources[start : start + 200]:
            await service.put_page(put(source, page=replace(record(), outlinks=outlinks)))
        await service.link_pages(link(*sources[start : start + 200]))
    first = await service.inlinks(inlinks_of("http://to.test/"))
    second = await service.inlinks(inlinks_of("http://to.test/", first.continuation))
    assert 900 < len(first.inlinks) < 1_000 and len(first.inlinks) + len(second.inlinks) == 1_200
    await service.close()
