"""Requests over time of the busiest domains, beside their limits, as one SVG. Pure: numbers in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Final

from ratelimiter.ledger.proof import WINDOW_MS
from ratelimiter.ledger.reading import Granted

COLUMNS: Final = 600
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 600, 70, 70, 46, 44
_FOOT: Final = 30


@dataclass(slots=True)
class Curve:
    """One domain: requests a second in each column of time, and the fastest limit in force in it (0 = no grant)."""

    domain: str
    fullest: list[int] = field(default_factory=lambda: [0] * COLUMNS)
    limits: list[float] = field(default_factory=lambda: [0.0] * COLUMNS)


class Curves:
    """Collects the curves of some domains between two moments, in bounded memory.

    A column narrower than a second shows the slots of the second that ends in it; a wider one, the fullest
    second of all that begin in it. So nothing is hidden between two columns.
    """

    def __init__(self, domains: Sequence[str], first_ms: float, last_ms: float) -> None:
        self.curves = {domain: Curve(domain) for domain in domains}
        self._seconds: dict[str, list[float]] = {domain: [] for domain in domains}
        self._first = first_ms
        self.column_ms = max((last_ms - first_ms) / COLUMNS, 1.0)

    def add(self, granted: Granted) -> None:
        """Take the next grant, in the order of asking."""
        curve = self.curves.get(granted.entry.domain)
        if curve is None:
            return
        second = self._seconds[curve.domain]
        second.append(granted.slot_ms)
        while second[0] <= granted.slot_ms - WINDOW_MS:
            second.pop(0)
        at = min(max(int((granted.slot_ms - self._first) / self.column_ms), 0), COLUMNS - 1)
        curve.fullest[at] = max(curve.fullest[at], len(second))
        curve.limits[at] = max(curve.limits[at], WINDOW_MS / granted.entry.interval_ms)


def svg(curves: Sequence[Curve], first_ms: float, last_ms: float) -> str:
    """The picture: one panel for each domain; the area shows the grants, the line the limit."""
    height = _TOP + len(curves) * (_HEIGHT + _GAP) + _FOOT
    panels = "".join(_panel(curve, _TOP + number * (_HEIGHT + _GAP)) for number, curve in enumerate(curves))
    width = _LEFT + _WIDTH + 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
        f'<text x="{_LEFT}" y="18" font-size="14">Grants in the fullest second (area), and the limit in force (line)'
        f"</text>\n{panels}"
        f'<text x="{_LEFT}" y="{height - 12}">{_moment(first_ms)}</text>\n'
        f'<text x="{_LEFT + _WIDTH}" y="{height - 12}" text-anchor="end">{_moment(last_ms)}</text>\n</svg>\n'
    )


def _panel(curve: Curve, top: int) -> str:
    limits = _filled(curve.limits)
    most = max(*curve.fullest, *limits, 1.0)
    bottom = top + _HEIGHT
    area = " ".join(f"{_LEFT + x},{bottom - _HEIGHT * y / most:.1f}" for x, y in enumerate(curve.fullest))
    line = " ".join(f"{_LEFT + x},{bottom - _HEIGHT * y / most:.1f}" for x, y in enumerate(limits))
    return (
        f'<text x="{_LEFT}" y="{top - 6}">{escape(curve.domain)}</text>\n'
        f'<text x="{_LEFT - 6}" y="{top + 9}" text-anchor="end">{most:.3g}/s</text>\n'
        f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>\n'
        f'<polygon points="{_LEFT},{bottom} {area} {_LEFT + _WIDTH},{bottom}" fill="#7aa6c2"/>\n'
        f'<polyline points="{line}" fill="none" stroke="#b33" stroke-width="1.2"/>\n'
        f'<line x1="{_LEFT}" y1="{bottom}" x2="{_LEFT + _WIDTH}" y2="{bottom}" stroke="#444"/>\n'
    )


def _filled(limits: Sequence[float]) -> list[float]:
    """Columns without a grant have the limit of the one before; those at the start that of the first grant."""
    known = next((limit for limit in limits if limit), 0.0)
    filled: list[float] = []
    for limit in limits:
        known = limit or known
        filled.append(known)
    return filled


def _moment(ms: float) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
