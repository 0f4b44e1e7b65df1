"""Open elements, computed from tags alone: deep pages are counted, real ones aren't cut."""

from __future__ import annotations

import pytest

from extraction.nesting import Nesting
from extraction.tags import tags

MANY = 700


def depth(text: str) -> int:
    """The greatest."""
    nesting, most = Nesting(), 0
    for tag in tags(text, nesting):
        nesting.add(tag)
        most = max(most, nesting.depth)
    return most


@pytest.mark.parametrize(
    "often",
    [
        "<optgroup>",
        "<rt>",
        "<rp>",
        "<option><optgroup>",
        "<span><span><div></span></span>",
        "<h1><i>",
        "<b><table></b>",
    ],
)
@pytest.mark.parametrize("first", ["", "<template>", "<svg><p>", "<svg><title>", "<p a=b='>", "<p =='>"])
def test_what_the_parser_keeps_open_is_counted(first: str, often: str) -> None:
    assert depth(first + often * MANY) >= MANY


@pytest.mark.parametrize(
    "first",
    [
        "<svg><p>",  # HTML again: a slash ends nothing
        "<template>",
        "<svg><style>",  # no text, but elements
        "<svg><![CDATA[ > <!-- ]]><desc>",
        "<script><!--<script></script><style>--></script>",
    ],
)
def test_no_mark_hides_what_follows_it(first: str) -> None:
    assert depth(first + "<div/>" * MANY) >= MANY


@pytest.mark.parametrize(
    "usual",
    [
        "<p>x",
        "<ul><li>x<li>y</ul>",
        "<dl><dt>x<dd>y</dl>",
        "<table><tr><td>x<td>y<tr><th><b>z</b></table>",
        "<select><optgroup><option>x<option>y</select>",
        "<ruby>x<rp>(<rt>y<rp>)</ruby>",
        "<div><span>x</div>",
        "<svg><g><path/><path/></g><title>x</title></svg>",
        "<svg><foreignObject><div>x<br></div></foreignObject><path/></svg>",
        "<math><mrow><mi>x</mi><mo/></mrow></math>",
        "<template><li><p>x</p></li></template>",
        "<a href=x>x<p><img><br><hr>",
        "<script>if (a<b) document.write('<div><div>')</script>",
        "<script><!-- document.write('<script></script>') --></script>",
        "<h1>x</h2>",
        "<button>x<button>y",
        "<form><input><p></form>",
    ],
)
def test_pages_that_leave_end_tags_out_are_no_deeper_for_it(usual: str) -> None:
    assert depth(usual * MANY) < 20
