from __future__ import annotations

import codecs

import pytest

from extraction.charset import _LABELS, codec_name, decode, encoding_name
from tests.unit.extraction import record

META = b"<meta charset=iso-8859-2>"


def test_the_order_is_mark_header_meta_guess() -> None:
    assert decode(codecs.BOM_UTF8 + META, "windows-1251").charset == "utf-8"
    assert decode(META, "windows-1251").charset == "windows-1251"
    assert decode(META).charset == "iso-8859-2"
    assert decode("é".encode()).charset == "utf-8"
    assert decode("é".encode("latin-1")).charset == "windows-1252"


def test_an_unknown_label_in_the_header_is_passed_over() -> None:
    assert decode(META, "x-no-such").charset == "iso-8859-2"


def test_labels_mean_what_browsers_mean() -> None:
    assert [encoding_name(label) for label in (" Latin1 ", "ASCII", "shift-jis", "gb2312", "nope")] == [
        "windows-1252",
        "windows-1252",
        "shift_jis",
        "gbk",
        "",
    ]


@pytest.mark.parametrize("name", sorted(set(_LABELS) - {"replacement", "x-user-defined"}))
def test_python_has_a_codec_for_every_encoding(name: str) -> None:
    assert codecs.lookup(codec_name(name))


@pytest.mark.parametrize("name", sorted(_LABELS))
def test_every_encoding_decodes_any_bytes(name: str) -> None:
    assert isinstance(decode(bytes(range(256)) * 3, name).text, str)


def test_undecodable_bytes_become_replacement_characters_with_a_flag() -> None:
    assert (decode(b"a\xffb", "utf-8").text, decode(b"a\xffb", "utf-8").flags) == ("a�b", ("bad_charset",))


def test_bytes_that_windows_1252_leaves_open_are_controls() -> None:
    assert (decode(b"\x81\xff", "windows-1252").text, decode(b"\x81\xff", "latin1").flags) == ("\x81ÿ", ())


def test_utf_8_that_was_cut_within_a_character_is_still_utf_8() -> None:
    assert decode("éé".encode()[:-1]).charset == "utf-8"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_by_its_mark_or_its_header(codec: str) -> None:
    page = "<title>Ünï</title>"
    assert record("\ufeff".encode(codec) + page.encode(codec)).title == "Ünï"
    assert record(page.encode(codec), charset=codec.replace("utf-16-", "utf-16")).title == "Ünï"


def test_a_page_that_can_be_read_and_says_utf_16_is_utf_8() -> None:
    assert decode(b"<meta charset=utf-16>\xc3\xa9").charset == "utf-8"


def test_a_charset_that_hides_markup_is_not_read() -> None:
    page = record(b"<a href=/x>x</a>", charset="iso-2022-kr")
    assert (page.outlinks, page.charset, page.flags) == ((), "replacement", ("bad_charset",))


def test_nul_bytes_harm_nobody() -> None:
    page = record(b"<ti\0tle>a</title><title>\0b\0</title><a href='/x\0y'>\0z</a>")
    assert page.title.strip("�") == "b"
    assert page.outlinks[0].url == "http://site.test/x%EF%BF%BDy"


def test_an_xml_declaration_declares_too() -> None:
    assert decode(b'<?xml version="1.0" encoding="koi8-r"?><html>\xc1').charset == "koi8-r"
