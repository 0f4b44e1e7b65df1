from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thrift_idl.errors import StoreTooNew, StoreTooOld
from weburl import KEY_VERSION, key_hex, url_key
from weburl.earlier_key_versions import check_key_version, earlier_keys, has_shared_a_key

NAMES = st.sampled_from(["a", "b", "a1", "a!", "%61", ""])
QUERIES = st.lists(st.tuples(NAMES, st.sampled_from(["", "=", "=1", "=2"])).map("".join), max_size=5).map("&".join)


def test_keys_of_version_1_never_change() -> None:
    assert [key_hex(key) for key in earlier_keys("https://example.org/a?b=c", 1)] == [
        "bcf5ab0d5495e862e1f54109fb46f57c"
    ]
    for order in ("page=1&page=2", "page=2&page=1"):
        found = earlier_keys(f"http://shop.test/list?{order}", 1)
        assert [key_hex(key) for key in found] == ["0933679571af6bca79f5ef99a4b28e5d"]


def test_a_text_that_was_stored_is_taken_as_it_is_besides() -> None:
    dots = earlier_keys("http://shop.test/x/.a/../../dots", 1)
    assert "8d4fcd33bbc85e90cfa622ea0f8cde2e" in map(key_hex, dots), "the parser of version 1 left these dots"


@given(QUERIES)
def test_keys_of_this_version_are_those_that_url_key_gives(query: str) -> None:
    url = f"http://a.test/?{query}"
    assert url_key(url) in earlier_keys(url, KEY_VERSION)


@given(QUERIES, QUERIES)
def test_only_a_url_that_repeats_a_name_has_a_key_that_was_another_urls(one: str, other: str) -> None:
    first, second = (f"http://a.test/?{query}" for query in (one, other))
    if url_key(first) in earlier_keys(second, 1) and url_key(first) != url_key(second):
        assert has_shared_a_key(first)


@pytest.mark.parametrize("text", ["", "no URL", "mailto:a@b.test", "http://[", "http://a.test/\ud800", "http:" * 5_000])
def test_what_is_no_url_raises_nothing(text: str) -> None:
    assert len(earlier_keys(text, 1)) <= 2


def test_a_store_of_other_keys_is_refused_with_what_to_do() -> None:
    check_key_version(KEY_VERSION, "it")
    with pytest.raises(StoreTooOld, match=r"it has URL keys of version 1.*`aragog store rekey`"):
        check_key_version(1, "it")
    with pytest.raises(StoreTooNew, match="upgrade"):
        check_key_version(KEY_VERSION + 1, "it")
