"""No element makes a page slow, in whatever it stands and whatever shape it has."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.visit.extractor import IMPORTS
from extraction.child_request import FUNCTION, request
from extraction.flags import Flags
from extraction.limits import DEFAULT
from extraction.markup import bounded_markup
from extraction.nesting import Nesting
from extraction.tags import tags
from runtime.children import ChildBounds, ChildPool, Done
from tests.faults.extraction.elements import AROUND, NAMES, shapes, soups
from tests.faults.extraction.test_costs import SHIPPED, used
from tests.support.hostile_pages import BEGINNING
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.records import unpack

_OFTEN = 50
#: The account of what is open may be short of the tree by this factor (the standard moves and copies what formatting
#: elements hold), and by so many.
_FACTOR, _FEW = 4, 20
_MOST_CPU_MS = SHIPPED.timeout_ms / 2
_SLOW = ("nested", "with a slash", "around a block")


def tree_depth(text: str) -> int:
    """Of the parser's tree."""
    root = LexborHTMLParser(text, scripting=True).root
    depths: dict[int, int] = {}
    for node in root.traverse() if root is not None else ():
        parent = node.parent
        depths[node.mem_id] = depths.get(parent.mem_id, 0) + 1 if parent is not None else 0
    return max(depths.values(), default=0)


def counted_depth(text: str) -> int:
    """By the account that bounds a page before it is parsed."""
    nesting, most = Nesting(), 0
    for tag in tags(text, nesting):
        nesting.add(tag)
        most = max(most, nesting.depth)
    return most


def hidden(pages: Iterable[tuple[str, str]]) -> list[str]:
    """The pages that are far deeper than they are counted."""
    return [
        f"{first} | {often}"
        for first, often in pages
        if tree_depth(first + often * _OFTEN) > _FACTOR * counted_depth(first + often * _OFTEN) + _FEW
    ]


@pytest.mark.parametrize("around", [around for around in AROUND if not around.startswith("many")])
def test_no_element_is_deeper_than_it_is_counted(around: str) -> None:
    assert not hidden((AROUND[around], often) for name in NAMES for often in shapes(name).values())


def test_no_soup_of_elements_is_deeper_than_it_is_counted() -> None:
    assert not hidden(soups(seed=1, count=300))


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10))
def test_of_many_soups_hardly_any_is_deeper_than_it_is_counted(seed: int) -> None:
    assert len(hidden(soups(seed, count=4_000))) <= 2


@pytest.mark.parametrize("name", ["optgroup", "option", "rt", "rp", "rb", "rtc", "div", "form"])
@pytest.mark.parametrize("around", ["the body", "a template", "svg that has ended"])
def test_elements_in_each_other_are_parsed_up_to_the_depth_that_browsers_have(name: str, around: str) -> None:
    flags = Flags()
    text = BEGINNING + AROUND[around] + f"<{name}/>" * 60_000
    parsed = bounded_markup(text, DEFAULT, flags)
    assert counted_depth(parsed) <= DEFAULT.depth
    assert parsed == text or flags.as_tuple() == ("too_deep",)


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
async def test_no_page_of_one_element_takes_more_than_half_of_its_time(name: str) -> None:
    slow: list[str] = []
    async with ChildPool(1, ChildBounds(), IMPORTS) as pool:
        for around, first in AROUND.items():
            for shape in _SLOW:
                often = shapes(name)[shape]
                text = BEGINNING + first + often * ((DEFAULT.tags - 1_000) // often.count("<"))
                await pool.run(FUNCTION, request(b"", "http://site.test/", "", "text/html", "", ()))
                (pid,) = pool.pids
                before = used(pid)[0]
                answer = await pool.run(
                    FUNCTION, request(text.encode(), "http://site.test/", "utf-8", "text/html", "", ())
                )
                assert isinstance(answer, Done), (around, shape, answer)
                unpack(PageRecord, answer.result)
                if (cpu_ms := used(pid)[0] - before) > _MOST_CPU_MS:
                    slow.append(f"{shape} in {around}: {cpu_ms:.0f} ms")
    assert not slow
