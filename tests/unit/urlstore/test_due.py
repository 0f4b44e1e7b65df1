"""The due time of a stored page, and the learning of its interval: pure functions of its row and the visit."""

from __future__ import annotations

import pytest

from tests.support.urlstore_requests import stored_page
from thrift_idl.gen.page.ttypes import PageRecord, Property
from thrift_idl.gen.urlstore.ttypes import Outcome, Page, UrlRow
from urlstore.due import BOUNDS, FORGOTTEN_MS, LEAST_MS, MOST_MS, NEW_MS, next_visit_ms, page_type, revisit_ms

HOUR = 3_600_000
DAY = 24 * HOUR
SEEN = 1_800_000_000_000


def page(url: str = "http://a.test/x", interval_ms: int = 2 * DAY, og_type: str = "") -> Page:
    record = PageRecord(extractor_version=1, opengraph=(Property("og:type", og_type),))
    return stored_page(url, seen_ms=SEEN, revisit_ms=interval_ms, record=record)


def row(shown: Page | None, status: int = 200, at_ms: int = SEEN, family: str = "fetched", **fields) -> UrlRow:
    code = "fetched" if family == "fetched" else "http_status"
    return UrlRow(
        b"k" * 16,
        "http://a.test/x",
        shown,
        outcome=Outcome(family=family, code=code, message="", at_ms=at_ms, status=status),
        **fields,
    )


def gone(status: int, for_ms: int) -> UrlRow:
    return row(page(), status, SEEN + for_ms, "refused")


def test_a_page_is_due_its_interval_after_it_was_last_seen() -> None:
    assert next_visit_ms(row(page())) == SEEN + 2 * DAY


def test_a_row_without_an_interval_counts_as_new() -> None:
    assert next_visit_ms(row(page(interval_ms=0))) == SEEN + DAY


@pytest.mark.parametrize(
    ("url", "og_type", "kind"),
    [
        ("http://a.test/", "", "home"),
        ("http://a.test/?q", "article", "article"),
        ("http://a.test/x", "", "page"),
        ("http://a.test/x", "Product.item", "product"),
        ("http://a.test/x", "video.movie", "page"),
    ],
)
def test_each_page_type_has_bounds_that_no_interval_leaves(url, og_type, kind) -> None:
    shown = page(url, 60_000, og_type)
    assert page_type(shown) == kind
    assert next_visit_ms(row(shown)) == SEEN + BOUNDS[kind].least_ms
    assert next_visit_ms(row(page(url, 400 * DAY, og_type))) == SEEN + BOUNDS[kind].most_ms


def test_a_duplicate_is_visited_rarely() -> None:
    assert next_visit_ms(row(page()), duplicate=True) == SEEN + BOUNDS["duplicate"].least_ms


def test_a_failed_visit_counts_as_a_visit_and_a_deferred_one_does_not() -> None:
    assert next_visit_ms(row(page(), 500, SEEN + DAY, "unavailable")) == SEEN + 3 * DAY
    assert next_visit_ms(row(page(), 429, SEEN + DAY, "deferred")) == SEEN + 2 * DAY


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_asked_for_less_and_less_and_forgotten_in_the_end(status) -> None:
    at_ms, waits = 2 * DAY, []
    while (due := next_visit_ms(gone(status, at_ms))) is not None:
        waits.append(due - SEEN - at_ms)
        at_ms = due - SEEN
    assert waits == sorted(waits) and waits[0] == 2 * DAY and waits[2] == 8 * DAY
    assert at_ms >= FORGOTTEN_MS[status]


def test_other_refusals_are_revisited_as_usual() -> None:
    assert next_visit_ms(gone(403, DAY)) == SEEN + 3 * DAY


def test_what_is_no_page_or_moved_is_never_due() -> None:
    assert next_visit_ms(row(None, 404, family="refused")) is None
    assert next_visit_ms(row(page(), redirects_to="http://a.test/y")) is None


def visited(interval_ms: int, seen_ms: int = SEEN) -> Page:
    return stored_page("http://a.test/", seen_ms=seen_ms, revisit_ms=interval_ms)


def test_a_page_seen_once_is_left_alone_for_a_day() -> None:
    assert revisit_ms(None, changed=True, began_ms=SEEN) == NEW_MS == 24 * HOUR


def test_a_row_from_before_intervals_were_kept_counts_as_new() -> None:
    assert revisit_ms(visited(0), changed=True, began_ms=SEEN + NEW_MS) == NEW_MS // 2


def test_a_change_halves_the_interval_and_no_change_doubles_it() -> None:
    assert revisit_ms(visited(8 * HOUR), changed=True, began_ms=SEEN + 8 * HOUR) == 4 * HOUR
    assert revisit_ms(visited(8 * HOUR), changed=False, began_ms=SEEN + 8 * HOUR) == 16 * HOUR


@pytest.mark.parametrize(("waited_ms", "after"), [(0, 8), (4 * HOUR - 1, 8), (4 * HOUR, 16), (100 * HOUR, 16)])
def test_a_visit_long_before_its_time_proves_nothing_by_finding_no_change(waited_ms, after) -> None:
    assert revisit_ms(visited(8 * HOUR), changed=False, began_ms=SEEN + waited_ms) == after * HOUR


def test_the_interval_stays_within_bounds_whatever_happens() -> None:
    assert revisit_ms(visited(LEAST_MS), changed=True, began_ms=SEEN) == LEAST_MS
    assert revisit_ms(visited(MOST_MS), changed=False, began_ms=SEEN + MOST_MS) == MOST_MS
