"""Requests as an origin saw them, compared with the promise. Pure; seconds since 1970."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

QpsAt = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Span:
    """From `began` to `ended`."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def windows_above(times: Sequence[float], qps: QpsAt, lag_s: float) -> list[tuple[float, int, float]]:
    """Every second that begins with an arrival and holds more than 1.05 x qps + 1: (its begin, arrivals, qps).

    The origin's clock may have stamped an arrival late by `lag_s`; two such in one window stretch it by as much.
    """
    found = []
    for at, when in enumerate(times):
        count = bisect_left(times, when + 1 - lag_s) - at
        limit = max(qps(when), qps(when + 1))
        if count > 1.05 * limit + 1:
            found.append((when, count, limit))
    return found


def calm(whole: Span, outages: Iterable[Span]) -> list[Span]:
    """The part of `whole` outside the outages."""
    spans, began = [], whole.began
    for outage in sorted(outages, key=lambda span: span.began):
        if outage.began > began:
            spans.append(Span(began, min(outage.began, whole.ended)))
        began = max(began, outage.ended)
    if began < whole.ended:
        spans.append(Span(began, whole.ended))
    return [span for span in spans if span.seconds >= 1]


def share(times: Sequence[float], spans: Iterable[Span], qps: QpsAt) -> float:
    """The share of its limit that a domain got in these spans."""
    got = allowed = 0.0
    for span in spans:
        got += bisect_left(times, span.ended) - bisect_left(times, span.began)
        allowed += span.seconds * qps(span.ended)
    return got / allowed


def longest_silence(times: Sequence[float], whole: Span) -> float:
    """Seconds without an arrival, at most."""
    marks = [whole.began, *times, whole.ended]
    return max(later - earlier for earlier, later in pairwise(marks))
