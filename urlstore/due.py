"""The next visit of a stored page: the interval that its row has learned, and the time it is due. Pure.

The interval is halved where the record had changed, doubled where not, and held within the bounds of the page's type. A
page that is gone (404, 410) is asked for after as long as it has been gone, so less and less often, and forgotten in
the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runtime.durations import DAY_MS, HOUR_MS, MINUTE_MS
from thrift_idl.gen.urlstore.ttypes import Outcome, Page, UrlRow

NEW_MS = DAY_MS
"""The interval of a page that was seen once."""
LEAST_MS = 60_000
MOST_MS = 400 * DAY_MS


def revisit_ms(current: Page | None, *, changed: bool, began_ms: int) -> int:
    """The interval after a visit that began at `began_ms`: halved if the record changed, doubled if not.

    A visit before half of the interval had passed proves nothing if it found no change: so a repeated fetch, or one
    by a person, doubles nothing.
    """
    known_ms = (current.revisit_ms if current else 0) or NEW_MS
    if current is None:
        return known_ms
    if changed:
        return max(LEAST_MS, known_ms // 2)
    waited_ms = began_ms - current.last_seen_ms
    return min(MOST_MS, 2 * known_ms) if waited_ms >= known_ms // 2 else known_ms


@dataclass(frozen=True, slots=True)
class Bounds:
    """The shortest and the longest time between two visits of a page."""

    least_ms: int
    most_ms: int


BOUNDS: Mapping[str, Bounds] = {
    "home": Bounds(15 * MINUTE_MS, 7 * DAY_MS),
    "page": Bounds(HOUR_MS, 30 * DAY_MS),
    "product": Bounds(HOUR_MS, 14 * DAY_MS),
    "article": Bounds(6 * HOUR_MS, 90 * DAY_MS),
    "duplicate": Bounds(30 * DAY_MS, 180 * DAY_MS),
}
"""By page type."""

#: The time since a page was last seen after which a page with such an answer is forgotten.
FORGOTTEN_MS: Mapping[int, int] = {404: 90 * DAY_MS, 410: 30 * DAY_MS}
#: The wait for a row whose URL redirects, though it has a page: it may serve that again.
ALIAS_MS = 30 * DAY_MS
_NEW_MS = DAY_MS


def page_type(page: Page, *, duplicate: bool = False) -> str:
    """The type whose bounds apply: duplicate (its claim of another URL holds), home, og:type product, article, page."""
    if duplicate:
        return "duplicate"
    if page.url.count("/") == 3 and page.url.endswith("/"):
        return "home"
    declared = next((each.content for each in page.record.opengraph if each.name == "og:type"), "").strip().lower()
    kind = declared.partition(".")[0].partition(":")[0]
    return kind if kind in ("article", "product") else "page"


def next_visit_ms(row: UrlRow, *, duplicate: bool = False) -> int | None:
    """The time when the page is due, UTC in ms since 1970; None = never: there is none, it moved, or is forgotten."""
    page, outcome = row.page, row.outcome
    if page is None or row.redirects_to:
        return None
    bounds = BOUNDS[page_type(page, duplicate=duplicate)]
    visited_ms = max(page.last_seen_ms, outcome.at_ms if outcome and outcome.family != "deferred" else 0)
    interval_ms = page.revisit_ms or _NEW_MS
    gone_ms = _gone_ms(page, outcome)
    if outcome and gone_ms:
        if gone_ms >= FORGOTTEN_MS[outcome.status]:
            return None
        interval_ms = max(interval_ms, gone_ms)
    return visited_ms + _held(interval_ms, bounds)


def look_ms(page: Page) -> int:
    """The time to look again at the row of a page that is just being written: not later than it is due."""
    return page.last_seen_ms + _held(page.revisit_ms or _NEW_MS, BOUNDS[page_type(page)])


def _held(interval_ms: int, bounds: Bounds) -> int:
    return min(max(interval_ms, bounds.least_ms), bounds.most_ms)


def _gone_ms(page: Page, outcome: Outcome | None) -> int:
    """The time for which the page is known to be gone; 0 = it isn't."""
    if outcome is None or outcome.family != "refused" or outcome.status not in FORGOTTEN_MS:
        return 0
    return max(1, outcome.at_ms - page.last_seen_ms)
