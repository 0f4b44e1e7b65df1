"""The collapsed octets of a text are those of the collapsed text."""

import sys

from extraction.text import collapse, collapsed_octets


def test_every_white_space_character_is_one_in_octets_too() -> None:
    spaces = [chr(point) for point in range(sys.maxunicode + 1) if chr(point).isspace()]
    for space in spaces:
        for text in (f"{space}a{space}b{space}{space}c", f"é{space} {space}\u20ac{space}", space, f"\u2060{space}\xa1"):
            assert collapsed_octets(text) == collapse(text).encode()
    assert (
        collapsed_octets("".join(f"{space}\xe9" for space in spaces))
        == collapse("".join(f"{space}\xe9" for space in spaces)).encode()
    )


def test_no_other_character_is_white_space_in_octets() -> None:
    text = "".join(chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000)
    assert collapsed_octets(text) == collapse(text).encode()


def test_lone_surrogates_are_replaced_as_before() -> None:
    assert collapsed_octets("a \ud800  b") == collapse("a \ud800  b").encode("utf-8", "replace")
