"""The optional text of a page: main content, word count, language, simhash."""

from __future__ import annotations

import pytest

from extraction.limits import ExtractionLimits
from extraction.page import extract
from extraction.words import language_of, simhash, words_of
from thrift_idl.gen.page.ttypes import PageRecord

PROSE = "The garden behind the house was planted by my aunt, who had read that roses want to be left alone. "
OTHER = "Nobody in the village could remember when the bridge had last been painted, or by whom it was built. "


def page_of(body: str, limits: ExtractionLimits | None = None) -> PageRecord:
    return extract(body.encode(), "http://site.test/", "utf-8", text_features=True, limits=limits or ExtractionLimits())


def text_of(body: str) -> str:
    return page_of(body).main_text


def test_text_features_are_there_only_if_they_are_asked_for() -> None:
    record = extract(f"<p>{PROSE * 3}".encode(), "http://site.test/")
    assert (record.main_text, record.word_count, record.text_language, record.simhash) == ("", 0, "", b"")


def test_the_main_content_is_a_line_for_each_block_without_what_stands_around_it() -> None:
    page = (
        "<header><a href=/>Home</a></header><nav><ul><li><a href=/a>A</a></ul></nav>"
        f"<div id=main><h1>Roses</h1><p>{PROSE}</p><p>{OTHER} <b>Yes</b>,\n<i>it was</i>.</p><ul><li>one<li>two</ul>"
        "<div class=share-buttons>Share this</div></div>"
        f"<div class=sidebar><h2>Most read</h2><p>{OTHER}</p></div><div id=comments><p>{PROSE * 4}</p></div>"
        "<footer>Copyright</footer><script>var a</script>"
    )
    assert text_of(page).split("\n") == ["Roses", PROSE.strip(), OTHER + "Yes, it was.", "one", "two"]


@pytest.mark.parametrize(
    "around", ["<article>{}</article>", "<div role=main>{}</div>", "<div class=entry-content>{}</div>"]
)
def test_what_a_template_calls_its_content_needs_half_of_the_text(around: str) -> None:
    page = around.format(f"<p>{PROSE * 3}</p>") + f"<div><p>{OTHER * 2}</p></div>"
    assert text_of(page) == (PROSE * 3).strip()


def test_names_that_would_leave_nothing_are_passed_over() -> None:
    assert text_of(f"<div class=sidebar><p>{PROSE * 3}</p></div>") == (PROSE * 3).strip()


def test_blocks_of_links_and_their_headings_fall_away() -> None:
    links = "<h2>See also</h2><ul><li><a href=/a>Another page</a><li><a href=/b>One more</a></ul>"
    assert text_of(f"<p>{PROSE * 3}</p>{links}") == (PROSE * 3).strip()


def test_links_are_the_content_of_a_page_that_has_nothing_else() -> None:
    links = "".join(f"<li><a href=/{name}>{name}</a>, a function" for name in ("asn1_bit_der", "asn1_check_version"))
    assert text_of(f"<div><h2>Index</h2><ul>{links * 9}</ul></div>").count("asn1_bit_der") == 9


def test_a_title_apart_from_the_content_heads_it() -> None:
    page = f"<h1>Roses</h1><div class=meta>By me</div><div class=entry-content><p>{PROSE * 3}</p></div>"
    assert text_of(page).split("\n")[0] == "Roses"


def test_cells_of_a_row_stand_side_by_side() -> None:
    assert "Height 20 cm" in text_of(
        f"<p>{PROSE * 2}</p><table><tr><th>Height</th><td>20 <b>cm</b></td></table>"
    ).split("\n")


def test_code_is_one_block() -> None:
    page = f"<p>{PROSE * 2}</p><pre><span>a</span> =\n<span>b</span></pre><p>{OTHER}</p>"
    assert text_of(page).split("\n")[1] == "a = b"


def test_an_anchor_without_href_is_no_link() -> None:
    assert text_of(f"<a id=top><p>{PROSE * 2}</p></a>") == (PROSE * 2).strip()


@pytest.mark.parametrize("limits", [ExtractionLimits(main_text_nodes=9), ExtractionLimits(main_text_length=100)])
def test_text_has_bounds_of_its_own_and_a_flag(limits: ExtractionLimits) -> None:
    record = page_of("".join(f"<p>{PROSE} {i}</p>" for i in range(50)), limits)
    assert "main_text_cut" in record.flags
    assert len(record.main_text) < 1000
    assert record.title == ""


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", PROSE),
        (
            "de",
            "Der Garten hinter dem Haus war von meiner Tante angelegt worden, die gelesen hatte, dass es so sein soll.",
        ),
        ("fr", "Le jardin derrière la maison avait été planté par ma tante, qui avait lu que les roses sont à elles."),
        (
            "es",
            "El jardín que hay detrás de la casa lo plantó mi tía, porque había leído que las rosas no quieren más.",
        ),
        (
            "nl",
            "De tuin achter het huis was door mijn tante aangelegd, die had gelezen dat rozen niet van het water zijn.",
        ),
        ("pl", "Ogród za domem założyła moja ciotka, która przeczytała, że róże nie są dla każdego i że tak już jest."),
        ("ru", "Сад за домом посадила моя тётя, которая прочитала, что розы не для всех, и что так уже было у них."),
        ("uk", "Сад за будинком посадила моя тітка, яка прочитала, що троянди не для всіх, і що так вже було у них."),
        ("ja", "家の裏の庭は叔母が植えたもので、バラはそっとしておくのがよいと読んだからだった。"),
        ("zh", "房子后面的花园是我姨妈种的，她读到玫瑰花应该不受打扰地生长。"),
        (
            "ko",
            "집 뒤의 정원은 장미를 그냥 두는 것이 좋다는 글을 읽은 이모가 심은 것이고 오래 전에 만들어진 것이다",
        ),
        ("el", "Ο κήπος πίσω από το σπίτι φυτεύτηκε από τη θεία μου, που είχε διαβάσει για τα τριαντάφυλλα."),
        ("", "Lorem"),
        ("", "x1 y2 z3 q4 r5 t6 u7 w8 v9 k10 m11 n12"),
    ],
)
def test_the_language_is_told_by_script_or_by_its_commonest_words(language: str, text: str) -> None:
    assert language_of(text, words_of(text)) == language


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two simhashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def test_words_are_counted_and_characters_where_words_are_not_set_apart() -> None:
    assert words_of("It's 3 o'clock -- now") == ["it", "s", "3", "o", "clock", "now"]
    assert words_of("庭の花 rose") == ["庭", "の", "花", "rose"]


def test_near_duplicates_share_nearly_all_bits_of_the_simhash_and_others_do_not() -> None:
    sentences = [f"Sentence number {i} speaks of {i * i} things that nobody had seen before." for i in range(60)]
    one = simhash(words_of(" ".join(sentences)))
    changed = simhash(words_of(" ".join([*sentences[:30], "One more.", *sentences[31:]])))
    other = simhash(words_of(" ".join(f"Other words {i} altogether, {i + 7} of them, are here." for i in range(60))))
    assert len(one) == 8
    assert distance(one, changed) <= 8
    assert distance(one, other) >= 16


def test_a_text_without_words_has_no_simhash() -> None:
    assert simhash(words_of(" - ")) == b""
    assert simhash(["one"]) != b""


def test_a_page_of_too_many_blocks_has_the_first_ones() -> None:
    record = page_of("<div>" * 400 + f"<div>{PROSE}</div>" * 30_000)
    assert "main_text_cut" in record.flags
    assert record.main_text.startswith(PROSE.strip())
    assert record.simhash
