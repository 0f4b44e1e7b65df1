"""The validators of an answer that can be sent back."""

from __future__ import annotations

import pytest

from weburl.validators import MAX_VALIDATOR, sendable


@pytest.mark.parametrize(
    "validator", ['"v1"', 'W/"a b"', "unquoted", "Mon, 07 Dec 2026 10:00:00 GMT", "x" * MAX_VALIDATOR]
)
def test_printable_ascii_is_sent_back_as_it_came(validator: str) -> None:
    assert sendable(validator) == validator


@pytest.mark.parametrize(
    "validator", ['"caf\xe9"', '"a\tb"', '"\x80"', '"\u20ac"', "a\r\nHost: b", "\x7f", "\0", "x" * (MAX_VALIDATOR + 1)]
)
def test_what_no_request_may_carry_counts_as_no_validator(validator: str) -> None:
    assert sendable(validator) == ""
