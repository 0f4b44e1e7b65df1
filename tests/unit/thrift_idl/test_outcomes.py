from __future__ import annotations

import ast
from pathlib import Path

import pytest

from thrift_idl.errors import (
    BadConfiguration,
    HttpStatus,
    InvalidRequest,
    RetryAfter,
    RobotsDenied,
    StoreUnreadable,
    TooManyRedirects,
)
from thrift_idl.gen.fetcher.ttypes import FetchResult, Hop
from thrift_idl.gen.urlstore.ttypes import Outcome
from thrift_idl.outcomes import (
    damaged_row_outcome,
    error_outcome,
    fault_outcome,
    fetched_outcome,
    redirected_outcome,
    unchanged_outcome,
)

ROOT = Path(__file__).parents[3]
ROOMS = ("aragog", "crawler", "extraction", "fetcher", "pinlater", "ratelimiter", "recommender_hooks", "urlstore")
AT_MS = 1_700_000_000_000
HOP = Hop("http://a.test/", 301, "http://b.test/")


def answered(status: int) -> FetchResult:
    return FetchResult("http://a.test/", status, (), b"", (), "text/html", began_ms=AT_MS, latency_ms=1)  # type: ignore[call-arg]  # stubs have keywords only


def test_a_page_a_304_and_a_redirect_are_fetched() -> None:
    assert fetched_outcome(answered(203)) == Outcome(
        family="fetched", code="fetched", message="", at_ms=AT_MS, status=203
    )
    assert unchanged_outcome(answered(304)) == Outcome(
        family="fetched", code="unchanged", message="", at_ms=AT_MS, status=304
    )
    assert redirected_outcome(301, AT_MS) == Outcome(
        family="fetched", code="redirected", message="", at_ms=AT_MS, status=301
    )


def test_an_error_is_its_family_code_and_facts_without_url_and_chain() -> None:
    denied = RobotsDenied("robots.txt forbids it", line="3", rule="disallow: /", url="http://a.test/", chain=(HOP,))
    assert error_outcome(denied, AT_MS) == Outcome(
        family="refused",
        code="robots_denied",
        message="robots.txt forbids it",
        at_ms=AT_MS,
        details={"line": "3", "rule": "disallow: /"},
    )
    later = RetryAfter("503", delay_ms=7_000, status="503")
    assert error_outcome(later, AT_MS) == Outcome(
        family="deferred", code="retry_after", message="503", at_ms=AT_MS, status=503, delay_ms=7_000
    )


def test_a_given_status_goes_before_the_errors_own() -> None:
    assert error_outcome(TooManyRedirects("a loop"), AT_MS, 302).status == 302
    assert error_outcome(HttpStatus("404", status="404"), AT_MS).status == 404


def test_texts_of_strangers_are_bounded_and_can_be_stored() -> None:
    outcome = error_outcome(HttpStatus("x" * 5_000, status="404", said="\ud800" + "y" * 5_000), AT_MS)
    assert outcome.message == "x" * 1_000
    assert outcome.details["said"] == "?" + "y" * 999


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("no such"), "internal_error", "ValueError: no such"),
        (InvalidRequest("a field"), "internal_error", "a field"),
        (BadConfiguration("a key"), "bad_configuration", "a key"),
        (StoreUnreadable("a row"), "store_unreadable", "a row"),
    ],
)
def test_an_error_of_ours_is_internal_and_names_its_request(error: Exception, code: str, message: str) -> None:
    assert fault_outcome(error, "r1", AT_MS) == Outcome(
        family="internal", code=code, message=message, at_ms=AT_MS, details={"request_id": "r1"}
    )


def test_a_damaged_row_says_so() -> None:
    told = damaged_row_outcome(StoreUnreadable("http://a.test/: damaged", url="http://a.test/"), AT_MS)
    assert told == Outcome(family="internal", code="store_unreadable", message="http://a.test/: damaged", at_ms=AT_MS)


def test_no_other_module_makes_an_outcome() -> None:
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    makers = [
        path.relative_to(ROOT).as_posix()
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _name(node.func) == "Outcome"
    ]
    assert len(paths) > 100
    assert makers == []


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
