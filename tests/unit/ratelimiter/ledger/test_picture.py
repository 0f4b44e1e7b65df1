from __future__ import annotations

from xml.etree import ElementTree

from ratelimiter.ledger.picture import COLUMNS, Curves, svg
from tests.support.ledger_records import WALL_MS, granted


def test_the_curve_shows_the_fullest_second_and_the_limit_of_each_column() -> None:
    curves = Curves(["a.com"], WALL_MS, WALL_MS + 600_000)
    for number in range(6_000):
        curves.add(granted(100.0 * number))
    curves.add(granted(0, "other.com"))
    curve = curves.curves["a.com"]
    assert max(curve.fullest) == 10
    assert set(curve.limits) == {10.0}


def test_a_limit_that_was_broken_stands_out_of_its_line() -> None:
    curves = Curves(["a.com"], WALL_MS, WALL_MS + 6_000)
    for number in range(30):
        curves.add(granted(20.0 * number))
    assert max(curves.curves["a.com"].fullest) == 30


def test_the_picture_is_well_formed_and_names_its_domains_as_text() -> None:
    names = ["a.com", '<b>&".com']
    curves = Curves(names, WALL_MS, WALL_MS + 6_000)
    for name in names:
        curves.add(granted(3_000, name))
    text = svg(list(curves.curves.values()), WALL_MS, WALL_MS + 6_000)
    root = ElementTree.fromstring(text)
    said = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(names) <= set(said)
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert [len(line.attrib["points"].split()) for line in lines] == [COLUMNS, COLUMNS]


def test_one_moment_can_be_drawn() -> None:
    curves = Curves(["a.com"], WALL_MS, WALL_MS)
    curves.add(granted(0))
    ElementTree.fromstring(svg(list(curves.curves.values()), WALL_MS, WALL_MS))
