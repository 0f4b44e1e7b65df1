"""The contract of every store for rows under other keys than their URLs have."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support.stores import Backends, service_over
from tests.support.urlstore_requests import (
    T0,
    attribute,
    content_of,
    get_attributes,
    inlinks_of,
    look,
    record,
    stored_page,
)
from tests.support.urlstore_requests import put as put_request
from thrift_idl.gen.urlstore.ttypes import Outcome, Page
from thrift_idl.records import replace
from urlstore import cells
from urlstore.backends import AttributeWrite, DueEntry, InlinkKind, InlinkWrite, KeyState, LinkedWrite, RowWrite
from urlstore.inlinks import next_pass
from urlstore.rekeying import Converted, Rekeying
from weburl import KEY_VERSION, url_key

pytestmark = pytest.mark.asyncio(loop_scope="module")
Url = Callable[[str], str]


def page(url: str, *links: str, at: int = 0, content: bytes = b"c") -> Page:
    made = stored_page(url, seen_ms=T0 + at, revisit_ms=60_000, record=record(links=links))
    return replace(made, content_hash=content * 32, content_key=f"{'0' * 32}/{(content * 32).hex()}")


async def put(backends: Backends, key: bytes, made: Page) -> None:
    """A page under a key that it may not have."""
    write = RowWrite(key, made.url, made.write_ms, page=cells.encode_page(made), due_ms=made.write_ms)
    await backends[0].write_row(write)


async def convert(backends: Backends, *keys: bytes) -> Converted:
    rows = [row for row in await backends[0].read_rows(keys) if row is not None]
    rekeying = Rekeying(backends[0], 1, lambda *_: True, lambda: T0 + 1_000)
    return await rekeying.convert(await rekeying.plans(rows))


async def test_a_row_moves_with_its_cells_their_times_its_attributes_and_its_due_time(
    backends: Backends, url: Url
) -> None:
    old, service = os.urandom(16), service_over(backends)
    await put(backends, old, page(url("/")))
    outcome = cells.encode_outcome(Outcome(family="fetched", code="unchanged", at_ms=T0 + 5))
    await backends[0].write_row(RowWrite(old, url("/"), T0 + 5, outcome=outcome))
    note = attribute("note", b"1", at=3)
    await backends[0].write_attribute(AttributeWrite(old, "vision", "note", T0 + 3, cells.encode_attribute(note)))
    done = await convert(backends, old)
    assert (len(done.moved), done.attributes) == (1, 1)
    assert await backends[0].read_row(old) is None
    assert await backends[0].read_attributes(old, "", 10) == []
    row = (await service.lookup(look(url("/")))).row
    assert row is not None and row.page == page(url("/")) and row.outcome is not None
    assert await service.get_attributes(get_attributes(url("/"))) == (note,)
    new = url_key(url("/"))
    assert [write.write_ms for write in await backends[0].read_writes(new)][:1] == [T0 + 5]
    due = await backends[0].read_due(T0 + 400 * 86_400_000, DueEntry(0, b""), 10_000)
    assert new in {entry.key for entry in due}
    # A write that comes late, with the time of its fetch, loses as it would have.
    await put(backends, new, page(url("/"), at=-1, content=b"z"))
    row = (await service.lookup(look(url("/")))).row
    assert row is not None and row.page == page(url("/"))


@pytest.mark.parametrize("newer", ["the moved", "the other"])
async def test_two_rows_that_become_one_keep_of_each_cell_the_later(backends: Backends, url: Url, newer: str) -> None:
    old, new = os.urandom(16), url_key(url("/"))
    await put(backends, old, page(url("/"), at=2 if newer == "the moved" else 0, content=b"m"))
    await put(backends, new, page(url("/"), at=1, content=b"o"))
    assert len((await convert(backends, old, new)).moved) == 1
    row = (await service_over(backends).lookup(look(url("/")))).row
    assert row is not None and row.page is not None
    assert row.page.content_hash == (b"m" if newer == "the moved" else b"o") * 32


@pytest.mark.parametrize("in_one_call", [True, False])
async def test_a_row_moves_to_a_key_that_another_has_just_left_though_it_is_older(
    backends: Backends, url: Url, in_one_call: bool
) -> None:
    old, between = os.urandom(16), url_key(url("/first"))
    await put(backends, old, page(url("/first"), at=0))
    await put(backends, between, page(url("/second"), at=500))
    await convert(backends, *([old, between] if in_one_call else [old]))
    for path in ("/first", "/second"):
        row = (await service_over(backends).lookup(look(url(path)))).row
        assert row is not None and row.page is not None and row.page.url == url(path)


async def test_inlinks_leave_the_old_keys_of_a_source_and_of_its_targets(backends: Backends, url: Url) -> None:
    service, metadata = service_over(backends), backends[0]
    source, target = url("/source"), url("/t?n=2&n=1")
    old_source, old_target = os.urandom(16), url_key(url("/t?n=1&n=2"))
    made = page(source, target)
    await put(backends, old_source, made)
    row = await metadata.read_row(old_source)
    assert row is not None
    linked = next_pass(row)
    assert linked is not None
    entry = next(write for write in linked.writes if write.cell)
    await metadata.write_inlinks([InlinkWrite(old_target, InlinkKind.LINK, old_source, entry.stamp_us, entry.cell)])
    note = replace(cells.decode_linked(linked.done), targets=old_target)
    await metadata.write_linked([LinkedWrite(old_source, linked.stamp_us, cells.encode_linked(note, made.write_ms))])
    await convert(backends, old_source)
    assert await metadata.read_inlinks(old_target, InlinkKind.LINK, b"", 10) == []
    (inlink,) = (await service.inlinks(inlinks_of(target))).inlinks
    assert inlink.url == source
    (stored,) = await metadata.read_inlinks(url_key(target), InlinkKind.LINK, b"", 10)
    assert stored.source_key == url_key(source)
    found = (await service.lookup(look(source))).row
    assert found is not None and found.linked_version == 1


async def test_an_alias_is_recorded_under_the_new_key_of_its_target(backends: Backends, url: Url) -> None:
    source, target = url("/go"), url("/t?n=2&n=1")
    key, old_target = url_key(source), url_key(url("/t?n=1&n=2"))
    await backends[0].write_row(RowWrite(key, source, T0, redirects_to=target))
    await backends[0].write_inlinks([InlinkWrite(old_target, InlinkKind.REDIRECT, key, T0 * 1_000, source.encode())])
    await convert(backends, key)
    assert await backends[0].read_inlinks(old_target, InlinkKind.REDIRECT, b"", 10) == []
    (redirect,) = await backends[0].read_inlinks(url_key(target), InlinkKind.REDIRECT, b"", 10)
    assert redirect.source_key == key


async def test_a_row_whose_text_is_no_url_any_more_stays(backends: Backends) -> None:
    key = os.urandom(16)
    await backends[0].write_row(RowWrite(key, "http://[", T0, outcome=b"o"))
    assert (await convert(backends, key)).moved == ()
    assert await backends[0].read_row(key) is not None


async def test_how_far_a_conversion_is_is_noted(backends: Backends) -> None:
    assert await backends[0].key_state() == KeyState(KEY_VERSION)
    await backends[0].write_key_state(KeyState(1, b"k" * 16))
    assert await backends[0].key_state() == KeyState(1, b"k" * 16)
    await backends[0].write_key_state(KeyState(KEY_VERSION))


async def test_a_page_keeps_its_content_and_the_url_that_shared_its_key_has_its_own(
    backends: Backends, url: Url
) -> None:
    service, first, second = service_over(backends), url("/l?page=2&page=1"), url("/l?page=1&page=2")
    stored = (await service.put_page(put_request(second, b"same", at=1))).page
    shared = url_key(second)
    # As version 1 stored the first: under the second's key, its content too.
    old = replace(stored, url=first, content_key=f"{shared.hex()}/{stored.content_hash.hex()}")
    await backends[1].put(old.content_key, cells.compress(b"same"))
    await backends[0].write_row(RowWrite(shared, first, T0 + 5, page=cells.encode_page(old)))
    await convert(backends, shared)
    again = (await service.put_page(put_request(first, b"same", at=9, previous=T0 + 5))).page
    other = (await service.put_page(put_request(second, b"same", at=9))).page
    assert (again.content_key, again.version) == (old.content_key, 1)
    assert other.content_key != old.content_key
    for asked in (first, second):
        assert (await service.get_content(content_of(asked))).content == b"same"
