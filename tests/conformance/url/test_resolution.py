"""Reference resolution of RFC 3986 5.4, where WHATWG agrees with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance import vectors
from weburl import parse

CASES: list[Any] = json.loads(vectors("url/rfc3986_5_4.json").read_text())["cases"]

WHATWG_DECIDES = {"//g": "http://g/"}  # an http URL has a path; RFC 3986 6.2.3 calls the two equivalent


def test_all_forty_one_cases_are_here() -> None:
    assert len(CASES) == 41


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["ref"]))
def test_a_reference_resolves_as_the_rfc_says(case: Any) -> None:
    assert parse(case["ref"], case["base"]) == WHATWG_DECIDES.get(case["ref"], case["expected"])
