from __future__ import annotations

import pytest

from thrift_idl.errors import InvalidRequest, NoSlot
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.redirect_chain import MAX_URL_CHARACTERS, chain_from_json, chain_of, chain_to_json
from weburl import MAX_LENGTH

A, B, C = (f"http://a.test/{name}" for name in "abc")
CHAIN = (Hop(A, 301, B, "http", "127.0.0.1", 1.5, 1_700_000_000_000, 0.5), Hop(B, 200, C, "meta"))


def test_a_chain_survives_its_json() -> None:
    assert chain_from_json(chain_to_json(CHAIN)) == CHAIN
    assert chain_from_json(chain_to_json(())) == ()


def test_an_error_has_the_chain_that_it_was_given_and_none_where_no_fetch_told_any() -> None:
    assert chain_of(NoSlot("x", delay_ms=1, chain=CHAIN)) == CHAIN
    assert chain_of(NoSlot("x", delay_ms=1)) == ()


def test_fields_that_a_hop_may_get_later_are_skipped() -> None:
    assert chain_from_json('[{"url": "u", "status": 1, "target": "t", "newer": 5}]') == (Hop("u", 1, "t"),)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[1]", '[{"url": "x"}]', "{}x", '{"a": 1}', "{}", '[{"url": 1}]', "\ud800"),
        '[{"url": "x", "status": 301.0, "target": "t"}]',
        '[{"url": "x", "status": true, "target": "t"}]',
    ],
)
def test_what_is_no_chain_is_an_invalid_request(text: str) -> None:
    with pytest.raises(InvalidRequest, match="no redirect chain"):
        chain_from_json(text)


def test_a_hops_url_may_be_as_long_as_any_url() -> None:
    assert MAX_URL_CHARACTERS == MAX_LENGTH
    longest = (Hop("u" * MAX_LENGTH, 301, "t" * MAX_LENGTH),)
    assert chain_from_json(chain_to_json(longest)) == longest
