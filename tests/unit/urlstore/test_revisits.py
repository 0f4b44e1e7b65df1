"""How a page's revisit interval learns: a pure function of the row and the visit."""

from __future__ import annotations

import pytest

from tests.support.urlstore_requests import stored_page
from thrift_idl.gen.urlstore.ttypes import Page
from urlstore.revisits import LEAST_MS, MOST_MS, NEW_MS, revisit_ms

HOUR = 3_600_000
SEEN = 1_800_000_000_000


def page(interval_ms: int, seen_ms: int = SEEN) -> Page:
    return stored_page("http://a.test/", seen_ms=seen_ms, revisit_ms=interval_ms)


def test_a_page_seen_once_is_left_alone_for_a_day():
    assert revisit_ms(None, changed=True, began_ms=SEEN) == NEW_MS == 24 * HOUR


def test_a_row_from_before_intervals_were_kept_counts_as_new():
    assert revisit_ms(page(0), changed=True, began_ms=SEEN + NEW_MS) == NEW_MS // 2


def test_a_change_halves_the_interval_and_no_change_doubles_it():
    assert revisit_ms(page(8 * HOUR), changed=True, began_ms=SEEN + 8 * HOUR) == 4 * HOUR
    assert revisit_ms(page(8 * HOUR), changed=False, began_ms=SEEN + 8 * HOUR) == 16 * HOUR


@pytest.mark.parametrize(("waited_ms", "after"), [(0, 8), (4 * HOUR - 1, 8), (4 * HOUR, 16), (100 * HOUR, 16)])
def test_a_visit_long_before_its_time_proves_nothing_by_finding_no_change(waited_ms, after):
    assert revisit_ms(page(8 * HOUR), changed=False, began_ms=SEEN + waited_ms) == after * HOUR


def test_the_interval_stays_within_bounds_whatever_happens():
    assert revisit_ms(page(LEAST_MS), changed=True, began_ms=SEEN) == LEAST_MS
    assert revisit_ms(page(MOST_MS), changed=False, began_ms=SEEN + MOST_MS) == MOST_MS
