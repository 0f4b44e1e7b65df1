"""`parse` against the web platform's own tests: whatwg/url test data, and host to ASCII."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance import vectors
from thrift_idl.errors import InvalidUrl
from weburl import host_to_ascii, parse

WPT: list[Any] = [c for c in json.loads(vectors("url/wpt_urltestdata.json").read_text()) if isinstance(c, dict)]
TO_ASCII: list[Any] = [c for c in json.loads(vectors("url/wpt_toascii.json").read_text()) if isinstance(c, dict)]


def is_web_case(case: Any) -> bool:
    if case.get("failure"):
        return bool(case["input"].startswith(("http:", "https:", "//")))
    return bool(case["href"].startswith(("http:", "https:")))


WEB = [case for case in WPT if is_web_case(case)]
OTHER_SCHEMES = [case for case in WPT if not is_web_case(case)]


def parsed(raw: str, base: str | None) -> str | None:
    try:
        return parse(raw, base)
    except InvalidUrl:
        return None


def to_ascii(host: str) -> str | None:
    try:
        return host_to_ascii(host)
    except InvalidUrl:
        return None


def test_the_selection_is_the_one_that_is_counted() -> None:
    assert len(WEB) == 445
    assert sum(bool(case.get("failure")) for case in WEB) == 198
    assert len(TO_ASCII) == 87


@pytest.mark.parametrize("case", WEB, ids=lambda case: ascii(case["input"]))
def test_a_web_url_parses_as_the_standard_says(case: Any) -> None:
    assert parsed(case["input"], case["base"]) == (None if case.get("failure") else case["href"])


@pytest.mark.parametrize("case", OTHER_SCHEMES, ids=lambda case: ascii(case["input"]))
def test_other_schemes_parse_as_the_standard_says(case: Any) -> None:
    assert parsed(case["input"], case["base"]) == (None if case.get("failure") else case["href"])


@pytest.mark.parametrize("case", TO_ASCII, ids=lambda case: ascii(case["input"]))
def test_a_host_becomes_ascii_as_the_standard_says(case: Any) -> None:
    assert to_ascii(case["input"]) == case["output"]


def test_the_two_kinds_of_results_are_247_and_198() -> None:
    found = [(case, parsed(case["input"], case["base"])) for case in WEB]
    assert sum(href is not None and href == case.get("href") for case, href in found) == 247
    assert sum(href is None and bool(case.get("failure")) for case, href in found) == 198
