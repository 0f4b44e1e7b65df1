"""Links of a Link header, as RFC 8288 has them."""

from __future__ import annotations

import pytest

from weburl.link_header import links


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("<https://a.test/>; rel=canonical", [("https://a.test/", ["canonical"])]),
        ('</x>; title="a, b; rel=next"; rel="Canonical start"', [("/x", ["canonical", "start"])]),
        ("</a>; rel=next, </b>; rel=prev; rel=canonical", [("/a", ["next"]), ("/b", ["prev"])]),
        ("</a>", [("/a", [])]),
        ("rel=canonical", []),
        ('</a>; title="no end; rel=canonical', [("/a", [])]),
        ('</a>; rel=next; title="no end, </b>; rel=canonical', [("/a", ["next"])]),
        ('</a>; title="no \\" end\\', [("/a", [])]),
    ],
)
def test_links_have_a_target_and_the_relations_of_their_first_rel(
    field: str, found: list[tuple[str, list[str]]]
) -> None:
    assert list(links(field)) == found


def test_a_hostile_field_costs_little() -> None:
    assert list(links('<a>;"' * 4_000)) is not None
