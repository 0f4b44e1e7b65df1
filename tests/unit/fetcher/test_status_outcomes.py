"""Meanings of statuses and of Retry-After."""

from __future__ import annotations

import pytest

from fetcher.answer_rules import retry_after_ms, status_error
from thrift_idl.errors import BadReply, HttpStatus, RetryAfter, ServerError

DAY_MS = 86_400_000
NOW_MS = 1_700_000_000_000  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("value", "delay_ms"),
    [
        ("120", 120_000),
        (" 5 ", 5_000),
        ("0", 1_000),
        ("999999999999", DAY_MS),
        ("9999999999999", DAY_MS),
        ("-5", None),
        ("1.5", None),
        ("Tue, 14 Nov 2023 22:15:20 GMT", 120_000),
        ("Tuesday, 14-Nov-23 22:15:20 GMT", 120_000),
        ("Tue Nov 14 22:15:20 2023", 120_000),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 1_000),
        ("Tue, 14 Nov 9999 22:00:00 GMT", DAY_MS),
        ("soon", None),
        ("", None),
        (None, None),
        ("Tue, 99 Nov 2023 22:15:20 GMT", None),
        ("1" * 10_000, DAY_MS),
        ("0" * 10_000 + "5", 5_000),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(value, delay_ms) -> None:
    assert retry_after_ms(value, NOW_MS, DAY_MS) == delay_ms


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (204, None),
        (299, None),
        (304, HttpStatus),
        (300, HttpStatus),
        (400, HttpStatus),
        (404, HttpStatus),
        (408, ServerError),
        (410, HttpStatus),
        (429, RetryAfter),
        (499, HttpStatus),
        (500, ServerError),
        (503, RetryAfter),
        (599, ServerError),
        (600, BadReply),
        (999, BadReply),
        (42, BadReply),
    ],
)
def test_every_status_has_its_outcome(status, error) -> None:
    found = status_error(status, 60_000, conditional=False)
    assert (type(found) if found else None) is error
    if found:
        assert found.details["status"] == str(status)


def test_304_is_a_result_where_it_was_asked_for() -> None:
    assert status_error(304, 1, conditional=True) is None
