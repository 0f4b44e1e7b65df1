"""Dates, durations, prices and text as pages write them, made regular."""

from __future__ import annotations

import pytest

from extraction.values import money
from extraction.values.moments import duration, duration_of_seconds, moment
from extraction.values.plain import lines, plain


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2024-05-01", "2024-05-01"),
        ("2024/5/1", "2024-05-01"),
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00+00:00"),
        ("2024-05-01 10:00:00 +0200", "2024-05-01T10:00:00+02:00"),
        ("2024-05-01T10:00:00.123456-0530", "2024-05-01T10:00:00-05:30"),
        ("2024-05-01T10:00", "2024-05-01T10:00:00"),
        ("May 1, 2024", "2024-05-01"),
        ("Wednesday, May 1st, 2024", "2024-05-01"),
        ("1 May 2024", "2024-05-01"),
        ("Sat, 01 Jan 2028 10:00:00 GMT", "2028-01-01T10:00:00+00:00"),
        ("1714521600", "2024-05-01T00:00:00+00:00"),
        ("2024", "2024"),
        ("2024-05", "2024-05"),
        ("05/01/2024", ""),
        ("2024-13-01", ""),
        ("2024-02-30T10:00:00", ""),
        ("0000", ""),
        ("soon", ""),
        ("9" * 5_000, ""),
        (None, ""),
        (True, ""),
    ],
)
def test_a_date_is_iso_8601_or_none(written: object, iso: str) -> None:
    assert moment(written) == iso


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("PT0H30M", "PT30M"),
        ("P0DT0H30M", "PT30M"),
        ("PT90M", "PT1H30M"),
        ("P0Y0M0DT0H35M0.000S", "PT35M"),
        ("pt1h", "PT1H"),
        ("P1DT2H", "P1DT2H"),
        ("P1Y2M", "P1Y2M"),
        ("PT0M", "PT0S"),
        ("30 minutes", "PT30M"),
        ("1 hour and 5 mins", "PT1H5M"),
        ("1h30m", "PT1H30M"),
        ("1:30", "PT1H30M"),
        ("PT", ""),
        ("P", ""),
        ("30", ""),
        ("overnight, 8 hours", ""),
        (None, ""),
    ],
)
def test_a_duration_is_iso_8601_in_its_shortest_form_or_none(written: object, iso: str) -> None:
    assert duration(written) == iso


def test_a_number_of_seconds_is_a_duration() -> None:
    assert (duration_of_seconds("125"), duration_of_seconds("PT2M")) == ("PT2M5S", "PT2M")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1,299.00", "1299.00"),
        ("1.299,00 €", "1299.00"),
        ("$19.99", "19.99"),
        ("1,299", "1299"),
        ("1.299", "1.299"),
        ("1.299.000", "1299000"),
        ("12,5", "12.5"),
        ("1 299,50", "1299.50"),
        ("1'299.00", "1299.00"),
        (19.9, "19.9"),
        (1299, "1299"),
        ("19.99-29.99", "19.99"),
        ("free", ""),
        (float("nan"), ""),
        (True, ""),
    ],
)
def test_a_price_is_a_decimal_or_none(written: object, number: str) -> None:
    assert money.decimal(written) == number


@pytest.mark.parametrize(
    ("written", "code"), [("eur", "EUR"), ("€", "EUR"), ("US$", "USD"), ("$", ""), ("XXX", ""), (978, "")]
)
def test_a_currency_is_an_iso_4217_code_or_none(written: object, code: str) -> None:
    assert money.currency(written) == code


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("https://schema.org/InStock", "InStock"),
        ("in stock", "InStock"),
        ("oos", "OutOfStock"),
        ("preorder", "PreOrder"),
        ("maybe", ""),
    ],
)
def test_availability_is_one_of_the_known_names_or_none(written: str, name: str) -> None:
    assert money.availability(written) == name


def test_a_product_code_is_kept_if_its_check_digit_is_right() -> None:
    assert [money.gtin(code) for code in ("4006381333931", 4006381333931, "4006381333932", "978-3-16-148410-0")] == [
        "4006381333931",
        "4006381333931",
        "",
        "9783161484100",
    ]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Salt &amp;amp; Pepper", "Salt & Pepper"),
        ("it&amp;#39;s", "it's"),
        ("<p>one</p><p>two</p>", "one two"),
        ("x &lt;strong&gt;y&lt;/strong&gt;z", "x yz"),
        ("Use the <b> tag", "Use the <b> tag"),
        ("a < b > c", "a < b > c"),
        ("AT&T &copy b", "AT&T &copy b"),
        ("½\u00a0cup\n\tmilk\u200b", "½ cup milk"),
        (12, "12"),
        (True, ""),
        (None, ""),
    ],
)
def test_text_is_plain(written: object, text: str) -> None:
    assert plain(written) == text


def test_blocks_and_newlines_begin_lines() -> None:
    assert lines("<ol><li>One <b>x</b></li><li>Two</li></ol>three\nfour<br>five") == [
        "One x",
        "Two",
        "three",
        "four",
        "five",
    ]
