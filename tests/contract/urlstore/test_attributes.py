"""Attributes in every UrlStore."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.urlstore_requests import T0, attribute, get_attributes, put_attributes
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Attribute

pytestmark = pytest.mark.asyncio(loop_scope="module")

Urls = Callable[[str], str]


async def test_attributes_come_back_by_namespace_and_name(store: UrlStore, url: Urls) -> None:
    written = (
        attribute("phash", b"\x00\xff", namespace="vision", version=3),
        attribute("colour", b"", namespace="vision"),
        attribute("score", b"x" * 1024 * 1024, namespace="ads"),
    )
    await store.put_attributes(put_attributes(url("/a?2&1"), *written))
    assert await store.get_attributes(get_attributes(url("/a?1&2"))) == (written[2], written[1], written[0])
    assert await store.get_attributes(get_attributes(url("/a?1&2"), "vision")) == (written[1], written[0])
    assert await store.get_attributes(get_attributes(url("/a?1&2"), "visio")) == ()
    assert await store.get_attributes(get_attributes(url("/b"))) == ()


@pytest.mark.parametrize("times", [(1, 2), (2, 1)])
async def test_the_later_write_of_an_attribute_stays(store: UrlStore, url: Urls, times: tuple[int, int]) -> None:
    for at in times:
        await store.put_attributes(put_attributes(url("/"), attribute("n", b"%d" % at, at=at, version=at)))
    assert await store.get_attributes(get_attributes(url("/"))) == (attribute("n", b"2", at=2, version=2),)


async def test_of_two_writes_of_one_millisecond_the_same_stays_in_either_order(store: UrlStore, url: Urls) -> None:
    one, two = attribute("n", b"one"), attribute("n", b"two")
    stayed: list[tuple[Attribute, ...]] = []
    for path, order in (("/1", (one, two)), ("/2", (two, one))):
        for written in order:
            await store.put_attributes(put_attributes(url(path), written))
        stayed.append(await store.get_attributes(get_attributes(url(path))))
    assert stayed[0] == stayed[1] == (two,)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (attribute("n", b"", namespace="Vision"), "namespace"),
        (attribute("n", b"", namespace=""), "namespace"),
        (attribute("n", b"", namespace="x" * 65), "namespace"),
        (attribute("", b""), "name"),
        (attribute("a b", b""), "name"),
        (attribute("n\n", b""), "name"),
        (attribute("n", b"x" * (1024 * 1024 + 1)), "1048577 bytes"),
        (attribute("n", b"", version=-1), "version"),
        (attribute("n", b"", at=2 * 86_400_000), "write_ms"),
        (attribute("n", b"", at=-T0), "write_ms"),
    ],
)
async def test_a_bad_attribute_is_refused_and_none_of_its_request_is_stored(
    store: UrlStore, url: Urls, bad: Attribute, match: str
) -> None:
    with pytest.raises(InvalidRequest, match=match):
        await store.put_attributes(put_attributes(url("/"), attribute("good", b""), bad))
    assert await store.get_attributes(get_attributes(url("/"))) == ()


async def test_too_many_attributes_are_refused_on_writing_and_on_reading(store: UrlStore, url: Urls) -> None:
    with pytest.raises(InvalidRequest, match="65 attributes"):
        await store.put_attributes(put_attributes(url("/"), *(attribute(f"n{n}", b"") for n in range(65))))
    megabyte = b"x" * 1024 * 1024
    with pytest.raises(InvalidRequest, match="limit"):
        await store.put_attributes(put_attributes(url("/"), *(attribute(f"n{n}", megabyte) for n in range(9))))
    for start, namespace in ((0, "one"), (5, "two")):
        some = (attribute(f"n{n}", megabyte, namespace=namespace) for n in range(start, start + 5))
        await store.put_attributes(put_attributes(url("/"), *some))
    with pytest.raises(InvalidRequest, match="one namespace"):
        await store.get_attributes(get_attributes(url("/")))
    assert len(await store.get_attributes(get_attributes(url("/"), "two"))) == 5
    with pytest.raises(InvalidRequest, match="namespace"):
        await store.get_attributes(get_attributes(url("/"), "No!"))
