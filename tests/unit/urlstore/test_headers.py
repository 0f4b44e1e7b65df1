"""Header fields that are kept and read."""

from __future__ import annotations

import pytest

from tests.support.urlstore_requests import headers
from urlstore.headers import MAX_KEPT, MAX_VALUE, canonical_link, freshened, kept, value


def test_only_fields_of_the_list_are_kept_in_order_and_in_bounds() -> None:
    received = headers(
        ("Set-Cookie", "a"), ("ETag", "1"), ("LINK", "<x>"), ("Link", "y" * (MAX_VALUE + 1)), ("Vary", "")
    )
    assert kept(received) == headers(("etag", "1"), ("link", "<x>"), ("vary", ""))
    assert len(kept(headers(*[("Link", "<x>")] * 1_000))) == MAX_KEPT


def test_a_304_replaces_the_fields_that_it_carries() -> None:
    stored = headers(("etag", "1"), ("link", "<x>"), ("link", "<y>"))
    assert freshened(stored, headers(("Link", "<z>"), ("X", "y"))) == headers(("etag", "1"), ("link", "<z>"))
    assert freshened(stored, ()) == stored


def test_a_validator_too_long_to_keep_is_none() -> None:
    assert value(headers(("ETag", "x" * MAX_VALUE)), "etag") == "x" * MAX_VALUE
    assert value(headers(("ETag", "x" * (MAX_VALUE + 1))), "etag") == ""
    assert value((), "etag") == ""


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("<http://a.test/>; rel=canonical", "http://a.test/"),
        ('<http://a.test/>; rel="canonical"', "http://a.test/"),
        ('<http://a.test/>;REL="Canonical"', "http://a.test/"),
        ('</x>; title="a, b; rel=next"; rel="shortlink canonical"', "/x"),
        ("</s>; rel=preload, </x>; rel=canonical", "/x"),
        ("< /x >; rel=canonical", "/x"),
        ("</x>; rel=canonicalized", ""),
        ("</x>; rel=alternate", ""),
        ("</x>; rel=next; rel=canonical", ""),
        ('</x>; title="\\"; rel=canonical"', ""),
        ("</x>; crossorigin; rel=canonical", "/x"),
        ("</x>", ""),
        ("", ""),
        ("rel=canonical", ""),
    ],
)
def test_the_canonical_link_is_found(link: str, target: str) -> None:
    assert canonical_link(headers(("Link", link))) == target


def test_the_first_canonical_link_of_several_fields_counts() -> None:
    fields = headers(("Link", "</a>; rel=next"), ("Link", "</b>; rel=canonical"), ("Link", "</c>; rel=canonical"))
    assert canonical_link(fields) == "/b"
