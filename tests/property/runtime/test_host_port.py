"""Addresses read and written, whatever the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.host_port import join, split

HOSTS = st.from_regex(r"[a-z0-9.-]{1,30}|[0-9a-f:]{1,20}:[0-9a-f]{0,4}", fullmatch=True)


@given(HOSTS, st.integers(1, 65_535))
def test_what_is_joined_is_split_into_the_same(host: str, port: int) -> None:
    assert split(join(host, port)) == (host, port)
    assert split(join(host, port), default_port=80) == (host, port)


@given(st.text(), st.none() | st.integers(1, 65_535))
def test_no_text_is_more_than_an_address_or_none(text: str, default_port: int | None) -> None:
    found = split(text, default_port=default_port)
    assert found is None or (found[0] and 1 <= found[1] <= 65_535)
