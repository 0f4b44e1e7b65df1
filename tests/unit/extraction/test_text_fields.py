from __future__ import annotations

import pytest

from extraction import EXTRACTOR_VERSION
from extraction.limits import ExtractionLimits
from tests.unit.extraction import record


def test_an_empty_page_has_an_empty_record() -> None:
    empty = record("")
    assert (empty.title, empty.outlinks, empty.flags, empty.charset) == ("", (), (), "utf-8")
    assert empty.extractor_version == EXTRACTOR_VERSION


def test_the_title_is_collapsed_and_its_entities_decoded() -> None:
    assert record("<title>\n A &amp;\t B&nbsp;C </title>").title == "A & B C"


def test_the_first_title_counts_but_not_one_in_a_drawing() -> None:
    page = "<svg><g><title>drawn</title></g></svg><title>first</title><title>second</title>"
    assert record(page).title == "first"


def test_an_empty_title_leaves_the_next_one_its_chance() -> None:
    assert record("<title> </title><title>second</title>").title == "second"


def test_a_long_title_is_cut_with_a_flag() -> None:
    cut = record("<title>" + "x" * 50 + "</title>", limits=ExtractionLimits(title_length=10))
    assert (cut.title, cut.flags) == ("x" * 10, ("text_cut",))


def test_the_first_description_with_words_counts() -> None:
    page = "<meta name=Description content=' '><meta name=description content='a\n b'><meta name=description content=c>"
    assert record(page).description == "a b"


def test_language_comes_from_html_then_meta_then_header() -> None:
    meta = "<meta http-equiv=content-language content='fr'>"
    assert record(f"<html lang=de>{meta}", content_language="it").language == "de"
    assert record(meta, content_language="it").language == "fr"
    assert record("", content_language="it").language == "it"


def test_several_languages_are_none() -> None:
    assert record("<meta http-equiv=content-language content='fr, en'>", content_language="it, en").language == ""


def test_xml_lang_serves_where_lang_is_absent() -> None:
    assert record('<html xml:lang="pt-BR">').language == "pt-BR"


def test_canonical_is_absolute_on_the_base() -> None:
    page = "<head><base href=/other/><link rel='alternate CANONICAL' href='x?b=1&amp;a=2#f'>"
    assert record(page).canonical == "http://site.test/other/x?b=1&a=2"


def test_a_canonical_in_the_body_is_nobodys_claim() -> None:
    assert record("<head></head><body><p>user text<link rel=canonical href=/hijacked></body>").canonical == ""


def test_a_canonical_after_a_tracking_pixel_in_the_heads_noscript_still_counts() -> None:
    page = "<head><noscript><img src=/pixel.gif></noscript><link rel=canonical href=/c></head>"
    assert record(page).canonical == "http://site.test/c"


def test_a_canonical_that_is_no_url_is_none_and_the_next_one_counts() -> None:
    page = "<link rel=canonical href='http://['><link rel=canonical href=/c>"
    assert record(page).canonical == "http://site.test/c"


def test_og_url_and_site_name_are_fields_of_their_own() -> None:
    page = record("<meta property=og:url content=' /x#y '><meta property=og:site_name content='A &amp; B'>")
    assert (page.og_url, page.site_name) == ("http://site.test/x", "A & B")


def test_properties_keep_their_order_and_repetitions() -> None:
    page = record(
        "<meta property=og:image content=1><meta property=og:image:width content=2><meta property=og:image content=3>"
        "<meta property=article:tag content=a><meta property=article:tag content=b>"
    )
    assert [(each.name, each.content) for each in page.opengraph] == [
        ("og:image", "1"),
        ("og:image:width", "2"),
        ("og:image", "3"),
        ("article:tag", "a"),
        ("article:tag", "b"),
    ]


def test_one_meta_may_carry_two_properties_and_a_name() -> None:
    page = record("<meta property='og:title dc:title' name=twitter:title content=T>")
    assert [each.name for each in page.opengraph] == ["og:title", "dc:title"]
    assert [each.name for each in page.twitter] == ["twitter:title"]


def test_too_many_properties_leave_a_flag_and_the_first_ones() -> None:
    page = record("<meta property=og:a content=x>" * 5, limits=ExtractionLimits(properties=3))
    assert (len(page.opengraph), page.flags) == (3, ("too_many_properties",))


@pytest.mark.parametrize("content", ["nopin", "NoPin", " nopin "])
def test_nopin_is_a_preference(content: str) -> None:
    assert record(f"<meta name=Pinterest content='{content}'>").preferences == ("nopin",)


def test_other_wishes_of_the_pinterest_meta_are_none() -> None:
    assert record("<meta name=pinterest content='please pin'>").preferences == ()


BASE = "<title>t</title><body><h1>Head</h1><p>Some <b>bold</b> text</p><form><input type=hidden value=1></form>"


@pytest.mark.parametrize(
    "twin",
    [
        BASE.replace("value=1", "value=2"),
        BASE + "<!-- built at 12:00 -->",
        BASE.replace("bold", "bo<!-- x -->ld"),
        BASE.replace("<p>", "\n\n  <p class=x>\n"),
        BASE + "<script>var t = 1</script><style>p{}</style><template>no</template><noscript>no <b>no</b></noscript>",
        BASE.replace("<title>t", "<title>another"),
        BASE.replace("<p>", "<iframe>fallback</iframe><p>"),
    ],
)
def test_what_no_reader_sees_leaves_the_text_hash_alone(twin: str) -> None:
    assert record(twin).text_hash == record(BASE).text_hash


@pytest.mark.parametrize("other", [BASE.replace("bold", "bald"), BASE + "more", BASE.replace("Some <b>", "Some<b>")])
def test_what_a_reader_sees_changes_the_text_hash(other: str) -> None:
    assert record(other).text_hash != record(BASE).text_hash


def test_the_text_hash_has_32_bytes() -> None:
    assert len(record("").text_hash) == 32


def test_a_media_type_that_is_no_html_gives_the_headers_directives_alone() -> None:
    page = record("<a href=/x>x</a>", media_type="text/plain", x_robots=["noindex"])
    assert (page.outlinks, page.flags, len(page.robots)) == ((), ("not_html",), 1)


def test_xhtml_may_close_a_script_at_once() -> None:
    page = '<html><head><script src="a.js"/><title>T</title></head><body><p/><a href="/x">x</a><br/></body></html>'
    served = record(page, media_type="application/xhtml+xml")
    assert (served.title, [link.text for link in served.outlinks]) == ("T", ["x"])
