"""The card, field by field: who is believed, and why the others are not."""

from __future__ import annotations

import pytest

from extraction.evidence import explain
from extraction.precedence import CARD
from tests.unit.extraction import URL, record
from thrift_idl.gen.page.ttypes import Alternate, Card, Evidence, Property


def card(html: str, **more: str) -> Card:
    found = record(html, **more).card
    assert found is not None
    return found


def why(html: str | bytes, field: str) -> list[Evidence]:
    content = html if isinstance(html, bytes) else html.encode()
    return [each for each in explain(content, URL)[1] if each.field == field]


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<meta property=og:title content=A><meta name=twitter:title content=B><title>C</title><h1>D</h1>", "A"),
        ("<meta name=twitter:title content=B><title>C</title><h1>D</h1>", "B"),
        ("<meta name=DC.title content=B><title>C</title>", "B"),
        ("<meta property=og:title content=' '><title>C</title><h1>D</h1>", "C"),
        ("<h1>D <b>E</b></h1>", "D E"),
        ("<meta property=og:site_name content=Shed><title>Roses | Shed</title>", "Roses"),
        ("<meta property=og:site_name content=Shed><title>Shed</title>", "Shed"),
        ("<meta property=og:title content='Tom &amp;amp; Jo&amp;#39;s'>", "Tom & Jo's"),
    ],
)
def test_a_title_comes_from_the_first_that_has_one(html: str, title: str) -> None:
    assert card(html).title == title


def test_links_of_the_head_make_icons_alternates_feeds_and_amp() -> None:
    found = card(
        "<head><link rel='shortcut icon' href=/f.ico><link rel=icon sizes=32x32 href=/32><link rel=amphtml href=/amp>"
        "<link rel=alternate hreflang=de href=/de>"
        "<link rel=alternate type=application/atom+xml href=/feed title='F &amp;'>"
        "<meta property=al:web:url content='http://a'><link rel=canonical href=/c></head><link rel=canonical href=/no>"
    )
    assert (found.favicon, found.amp, found.canonical) == tuple(f"http://site.test/{p}" for p in ("32", "amp", "c"))
    assert found.alternates == (Alternate("de", "http://site.test/de"),)
    assert [(each.url, each.title) for each in found.feeds] == [("http://site.test/feed", "F &")]
    assert found.app_links == (Property("al:web:url", "http://a"),)


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ("<html lang=en_GB><meta property=og:locale content=fr_FR>", "en-GB"),
        ("<html lang='not a language'><meta property=og:locale content=fr_FR>", "fr-FR"),
        ("", "it"),
    ],
)
def test_a_language_is_bcp_47(html: str, language: str) -> None:
    assert card(html, content_language="it").language == language


def test_an_image_is_absolute_and_the_first_that_resolves() -> None:
    html = "<meta property=og:image content='http://[bad'><meta name=twitter:image content='../i.png'>"
    assert card(html).image == "http://site.test/i.png"


def test_without_a_statement_the_best_image_of_the_content_is_shown_and_a_logo_is_none() -> None:
    assert card("<img src=/logo.png><p><img src=/roses.jpg width=600 height=400>").image == "http://site.test/roses.jpg"
    assert card("<img src=/logo.png>").image == ""


def test_evidence_says_who_won_where_and_why_the_others_lost() -> None:
    html = "<!doctype html><title>Ünder</title><meta property=og:title content=Og><meta name=twitter:title content=Og>"
    won, same, other = why(html, "card.title")
    assert (won.syntax, won.name, won.value, won.lost) == ("opengraph", "og:title", "Og", "")
    assert (won.element, won.ordinal) == ("meta", 1)
    assert html.encode()[won.offset :].startswith(b"<meta property=og:title")
    assert (same.ordinal, same.lost) == (2, "says the same as opengraph og:title")
    assert (other.syntax, other.name, other.lost) == ("html", "title", "opengraph og:title comes first")
    assert html.encode()[other.offset :].startswith(b"<title>")


def test_evidence_says_what_makes_no_sense() -> None:
    html = "<meta property=article:published_time content=yesterday><meta name=date content=2024-01-02>"
    first, second = why(html, "card.published")
    assert (first.lost, second.lost) == ("makes no sense as this", "")


def test_evidence_of_a_recipe_names_the_property_and_the_script() -> None:
    html = '<p><script type="application/ld+json">{"@type":"Recipe","name":"T","ingredients":["a","b"]}</script>'
    (found,) = why(html, "recipe.ingredients")
    assert (found.syntax, found.name, found.value, found.offset) == ("json-ld", "Recipe.ingredients", "a | b", 3)


def test_an_offset_is_known_only_where_the_bytes_are_those_that_were_parsed() -> None:
    html = "<meta charset=utf-8><meta property=og:title content=x>"
    assert why(b"\xef\xbb\xbf" + html.encode(), "card.title")[0].offset == 3 + html.index("<meta p")
    assert why(html.encode("utf-16"), "card.title")[0].offset == -1


def test_an_explanation_changes_nothing() -> None:
    html = "<title>T</title><meta property=og:title content=O>"
    assert explain(html.encode(), URL)[0] == record(html)


def test_the_precedence_table_has_each_field_of_the_card_that_is_decided() -> None:
    listed = {"alternates", "feeds", "oembed", "app_links"}
    assert set(CARD) == set(Card.__slots__) - listed  # type: ignore[attr-defined]  # the compiler's
    assert all(len(entries) == len(set(entries)) for entries in CARD.values())


@pytest.mark.parametrize(
    ("html", "authors", "published"),
    [
        ("<p class=byline>By Ann Lee | March 3, 2024 | 5 Comments</p>", ("Ann Lee",), ""),
        (
            "<p class=byline>by <b class=author>Ann Lee</b> <i class=entry-date>March 3, 2024</i></p>",
            ("Ann Lee",),
            "2024-03-03",
        ),
        (
            "<article><footer><abbr class=published title=2024-01-19>Friday</abbr>"
            "<address class='vcard author'>By <a class='url fn'>Ann Lee</a></address></footer></article>",
            ("Ann Lee",),
            "2024-01-19",
        ),
        (
            "<b itemprop=author>José de la Ñ</b><b itemprop=datePublished content=2024-03-03>",
            ("José de la Ñ",),
            "2024-03-03",
        ),
        (
            "<div class='widget Blog'><div class=hfeed><h2 class=date-header>Sunday, March 3, 2024</h2>",
            (),
            "2024-03-03",
        ),
    ],
)
def test_who_wrote_it_and_when_is_told_by_the_names_of_templates_at_last(
    html: str, authors: tuple[str, ...], published: str
) -> None:
    found = card(f"<h1>T</h1>{html}")
    assert (found.authors, found.published) == (authors, published)


@pytest.mark.parametrize(
    "html",
    [
        "<ol class=comments><li><b class=author>Bob</b><i class=published title=2024-01-19></i></ol>",
        "<footer><b class=author>Bob</b></footer>",
        "<p class=byline>Ann</p><p class=byline>Bob</p><b class=pubdate>2024-01-01</b><b class=pubdate>2024-01-02</b>",
        "<b class=author>admin@x.test</b><b class=post-date>03/05/2024</b>",
        "<p class=byline>Read more about this</p>",
    ],
)
def test_what_stands_beside_the_text_or_is_no_name_wrote_nothing(html: str) -> None:
    found = card(f"<h1>T</h1>{html}")
    assert (found.authors, found.published) == ((), "")
    assert card(f"{html}<p>No heading: no text that somebody wrote.</p>").authors == ()


def test_a_byline_is_believed_last() -> None:
    page = "<h1>T</h1><meta name=author content='Ann Lee'><p class=byline>By Bob</p>"
    assert card(page).authors == ("Ann Lee",)
    assert [(each.name, each.lost) for each in why(page, "card.authors")] == [
        ("author", ""),
        ("byline", "meta author comes first"),
    ]


@pytest.mark.parametrize(
    ("html", "image"),
    [
        ("<img src=/left.gif><img src=/roses.jpg>", "http://site.test/roses.jpg"),
        ("<img src=/images/caution.png?v=2>", ""),
        ("<img src=/py.svg>", ""),
        ("<img src=/diagram.svg width=600 height=400>", "http://site.test/diagram.svg"),
    ],
)
def test_an_arrow_or_a_mark_is_no_picture_of_a_page(html: str, image: str) -> None:
    assert card(html).image == image
