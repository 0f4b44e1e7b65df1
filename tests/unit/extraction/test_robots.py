from __future__ import annotations

import pytest

from extraction.limits import ExtractionLimits
from tests.unit.extraction import record

Entries = list[tuple[str, tuple[str, ...]]]


def entries(html: str, *x_robots: str, limits: ExtractionLimits | None = None) -> Entries:
    found = record(html, x_robots=x_robots, limits=limits or ExtractionLimits()).robots
    return [(each.agent, each.directives) for each in found]


def test_metas_come_in_document_order_and_headers_after_them() -> None:
    page = "<meta name=GoogleBot content='NoIndex'><meta name=ROBOTS content='noarchive, nosnippet'>"
    assert entries(page, "noai", "bingbot: none") == [
        ("googlebot", ("noindex",)),
        ("", ("noarchive", "nosnippet")),
        ("", ("noai",)),
        ("bingbot", ("none",)),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("noindex", ("", ("noindex",))),
        ("max-snippet: 20, noindex", ("", ("max-snippet:20", "noindex"))),
        ("max-image-preview:large", ("", ("max-image-preview:large",))),
        ("otherbot: noindex, nofollow", ("otherbot", ("noindex", "nofollow"))),
        ("*: noindex", ("", ("noindex",))),
        (
            "googlebot: unavailable_after: 25 Jun 2030",
            ("googlebot", ("unavailable_after:25 jun 2030",)),
        ),
        (
            "unavailable_after: Saturday, 01 Jan 2028 00:00:00 GMT, noindex",
            ("", ("unavailable_after:saturday, 01 jan 2028 00:00:00 gmt", "noindex")),
        ),
        ("noindex nofollow", ("", ("noindex", "nofollow"))),
    ],
)
def test_a_header_is_read(value: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert entries("", value) == [expected]


def test_an_empty_value_is_no_entry() -> None:
    assert entries("<meta name=robots content=' , '><meta name=robots>", "") == []


def test_other_metas_are_no_directives() -> None:
    assert entries("<meta name=author content=noindex><meta name=viewport content=none>") == []


def test_directives_are_bounded() -> None:
    page = record("<meta name=robots content='" + "a," * 50 + "'>", limits=ExtractionLimits(directives=5))
    assert (len(page.robots[0].directives), page.flags) == (5, ("too_many_directives",))
