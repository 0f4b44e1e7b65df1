from __future__ import annotations

import pytest

from extraction.child_call import packed
from extraction.flags import Flags
from extraction.limits import DEFAULT, ExtractionLimits
from extraction.markup import bounded_markup, expanded_xhtml
from extraction.tags import tags
from tests.unit.extraction import record
from thrift_idl.gen.page.ttypes import Link, PageRecord
from thrift_idl.records import unpack

FIRST = "<title>kept</title><a href=/kept>kept</a>"


def bounded(text: str, limits: ExtractionLimits = DEFAULT) -> tuple[str, tuple[str, ...]]:
    flags = Flags()
    return bounded_markup(text, limits, flags), flags.as_tuple()


@pytest.mark.parametrize(
    ("markup", "flag"),
    [
        ("<div>" * 100_000, "too_deep"),
        ("<b>" * 100_000, "too_deep"),
        ("<table><tr><td><a href=/x>" * 20_000, "too_deep"),
        ("<div></b><!--</div>-->" * 20_000, "too_deep"),
        ("<p " + " ".join(f"a{i}=1" for i in range(40_000)) + ">", "too_many_attributes"),
        ("<p>" * DEFAULT.tags, "too_many_tags"),
        ("<p>" + "".join(f"<b id={i}>" for i in range(2_400)) + "x" + "<p>x" * 2_400, "too_deep"),
        ("".join(f"<b id={i}>" for i in range(400)) + "x" + "<p>x" * 4_000, "too_many_nodes"),
        (f"<a href={'x' * 200}" + "><a href=".join(f"{'x' * 200}{i}" for i in range(20_000)) + ">", "record_too_large"),
        ("".join(f"<a href=/{i} rel='a b c d'>x</a>" for i in range(20_000)), "too_many_outlinks"),
        ("x" * 11_000_000, "truncated"),
    ],
    ids=lambda value: value[:12],
)
def test_what_was_found_before_a_page_gets_too_much_is_kept(markup: str, flag: str) -> None:
    page = unpack(PageRecord, packed(record(FIRST + markup)))
    assert page.title == "kept"
    assert page.outlinks[0].url == "http://site.test/kept"
    assert flag in page.flags


def documentation(links: int, tags_a_link: int) -> str:
    """A reference on one page: sections of highlighted code, each with a link out of the page at its end."""
    code = "<span class=hljs-title>f</span>(x)\n" * ((tags_a_link - 8) // 2)
    sections = "".join(
        f"<h3 id=s{number}>f</h3><pre><code>{code}</code></pre>"
        f"<a href=/guide/{number} rel=nofollow>Guide {number}</a>\n"
        for number in range(links)
    )
    return f"<!doctype html><title>All</title><main>{sections}</main><p>The end"


@pytest.mark.parametrize(
    ("links", "tags_a_link"), [(600, 800), (30_000, 16)], ids=["much code", "as many links as are kept"]
)
def test_documentation_on_one_page_is_read_to_its_end(links: int, tags_a_link: int) -> None:
    # More than the whole of Node's documentation has on one page, twice in three years: 238,000 tags, then 364,000.
    text = documentation(links, tags_a_link)
    assert 400_000 < text.count("<") <= DEFAULT.tags and len(text) <= DEFAULT.content_bytes
    page = record(text)
    assert (len(page.outlinks), page.outlinks[-1].text, page.flags) == (links, f"Guide {links - 1}", ())
    assert unpack(PageRecord, packed(page)) == page


def test_ten_megabytes_of_script_are_no_trouble() -> None:
    page = record(FIRST + "<script>" + "x" * 10_000_000)
    assert (page.title, page.flags) == ("kept", ())


@pytest.mark.parametrize(
    "usual",
    [
        "<div><p>x</div>" * 3_000,
        "<ul>" + "<li>x" * 8_000,
        "<svg>" + "<path d=M0/>" * 8_000 + "</svg>",
        "<a name=x>" * 8_000,
        "<p><b>x</b> <i>y</i>" * 8_000,
        "<script>for(i=0;i<n;i++)s+='<div>'</script>" * 3_000,
        "<img src='data:image/png;base64," + "A/" * 100_000 + "'>",
    ],
    ids=lambda value: value[:12],
)
def test_large_pages_that_are_no_attack_are_left_alone(usual: str) -> None:
    assert bounded(usual) == (usual, ())


def test_too_many_nodes_leave_a_flag() -> None:
    assert record("<p>x" * 100, limits=ExtractionLimits(nodes=50)).flags == ("too_many_nodes",)


@pytest.mark.parametrize("length", [60, 120, 1_000])
def test_a_record_too_large_is_cut_to_little_less_than_a_store_takes(length: int) -> None:
    links = tuple(Link(f"http://site.test/{n:0{length}}", (), "x", False) for n in range(DEFAULT.outlinks))
    answer = packed(PageRecord(extractor_version=1, outlinks=links))
    kept = unpack(PageRecord, answer)
    assert kept.flags == ("record_too_large",) and kept.outlinks == links[: len(kept.outlinks)]
    assert 0.85 * DEFAULT.record_bytes < len(answer) <= DEFAULT.record_bytes


def test_noscripts_are_bounded_together() -> None:
    assert record("<noscript><img src=/a></noscript>" * 200).flags == ("too_many_noscripts",)
    assert record("<noscript>" + "<div>" * 40_000 + "</noscript>").flags == ("too_deep",)


def test_tags_are_found_past_comments_scripts_and_quotes() -> None:
    text = "<!doctype html><!--<a>--><A b='>' c>x</a ><script><p></script><!--><i/></><b"
    assert [("/" if tag.is_end else "") + tag.name for tag in tags(text)] == ["a", "/a", "script", "/script", "i", "b"]


def test_attributes_are_read_as_a_browser_does() -> None:
    (tag,) = tags("<a HREF = /x/ b='1&amp;2' c=\"&copy=3&copy;\" d e=5 href=no>")
    assert tag.attributes() == {"href": "/x/", "b": "1&2", "c": "&copy=3©", "d": "", "e": "5"}
    assert tag.count_attributes() == 6


def test_text_right_before_a_tag_is_noticed() -> None:
    assert [tag.after_text for tag in tags(" <a>x</a>\n<b>")] == [False, True, False]


def test_elements_closed_at_once_are_written_out() -> None:
    assert expanded_xhtml('<p a="/>"/><br/><a href="/x/">') == '<p a="/>"></p><br/><a href="/x/">'
