"""The proof that no domain was asked too often: judges a stream of grants by the limits in force. Pure, bounded memory.

Two claims, for each registrable domain, and for each host that has a limit of its own:

- no window of one second holds more than 1.05 x qps + 1 slots, qps being that of the fastest limit in force in it;
- no slot follows another one sooner than the interval in force when it was granted (stricter if qps is below 1).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ratelimiter.ledger.reading import Granted

WINDOW_MS: Final = 1_000.0
_ROUNDING_MS: Final = 0.01
"""The error of adding and subtracting floats of 13 digits."""
_MEASURED_MS: Final = 5.0
"""Two shards that keep their slots in Redis place them by its clock, as exactly as each has measured it."""
_LATE_MS: Final = 10_000.0
"""Grants of different shards may be out of order by this much."""
_SWEEP_EVERY_MS: Final = 5_000.0
_MOST_NAMES: Final = 200_000


def allowed(interval_ms: float) -> float:
    """The number of requests that one second may hold at the pace of `interval_ms`."""
    return 1.05 * WINDOW_MS / interval_ms + 1


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One second of one domain (or host), and its fullness."""

    fullness: float
    """Slots in it divided by the allowed number; above 1 = a limit was broken."""
    name: str
    kind: str
    """domain or host."""
    until_ms: float
    """Its last slot, on the time line of `reading` (about ms since 1970)."""
    slots: int
    allowed: float
    limit: str
    shards: tuple[str, ...]

    @property
    def broken(self) -> bool:
        """True if it holds more than is allowed."""
        return self.fullness > 1


@dataclass(frozen=True, slots=True)
class Early:
    """A slot that followed another one too soon."""

    name: str
    kind: str
    slot_ms: float
    gap_ms: float
    interval_ms: float


@dataclass(slots=True)
class ProofVerdict:
    """The verdict on the whole stream. All lists are bounded, the counts are not."""

    grants: int = 0
    first_ms: float = 0.0
    last_ms: float = 0.0
    broken: int = 0
    """Slots that made a window too full."""
    early: int = 0
    """Slots sooner than their interval."""
    early_examples: list[Early] = field(default_factory=list)
    worst: list[Window] = field(default_factory=list)
    """The fullest window of each of the fullest names, the worst first."""
    busiest: Counter[str] = field(default_factory=Counter)
    """Grants by domain; with more than 200,000 domains, the rarest are counted together."""
    shards: set[str] = field(default_factory=set)
    boots: set[str] = field(default_factory=set)
    versions: set[int] = field(default_factory=set)

    @property
    def holds(self) -> bool:
        """True if every limit was kept."""
        return not self.broken and not self.early


_Grant = tuple[float, float, str, str, str]
"""(interval, slot, limit, shard, boot)"""


@dataclass(slots=True)
class _Track:
    """The latest slots of one domain or host, in order of time."""

    slots: list[float] = field(default_factory=list)
    grants: list[_Grant] = field(default_factory=list)
    """Beside `slots`."""
    until_ms: float = 0.0
    """The time when it may be forgotten."""


class Proof:
    """Judges grants one by one.

    `skew_ms`: the possible difference of the wall clocks of two machines, or of one before and after its restart.
    Slots of one boot compare exactly; the skew makes the judge milder only between slots of two boots.
    """

    def __init__(self, most_windows: int = 10, skew_ms: float = 0.0) -> None:
        self.verdict = ProofVerdict()
        self._skew = skew_ms
        self._tracks: dict[tuple[str, str], _Track] = {}
        self._most = most_windows
        self._worst: dict[tuple[str, str], Window] = {}
        self._bar = 0.0
        self._now = 0.0
        self._sweep_at = 0.0

    def of(self, grants: Iterable[Granted]) -> ProofVerdict:
        """The verdict on a whole stream."""
        for granted in grants:
            self.add(granted)
        return self.end()

    def add(self, granted: Granted) -> None:
        """Take the next grant, in the order of asking."""
        self._count(granted)
        entry = granted.entry
        self._judge("domain", entry.domain, granted, entry.interval_ms)
        if entry.host_interval_ms:
            self._judge("host", entry.host, granted, entry.host_interval_ms)
        self._now = max(self._now, granted.asked_ms)
        if self._now >= self._sweep_at:
            self._sweep()

    def end(self) -> ProofVerdict:
        """The verdict on all that was added."""
        self.verdict.worst = sorted(self._worst.values(), reverse=True)
        return self.verdict

    def _count(self, granted: Granted) -> None:
        verdict, entry = self.verdict, granted.entry
        if not verdict.grants:
            verdict.first_ms = granted.slot_ms
        verdict.grants += 1
        verdict.last_ms = max(verdict.last_ms, granted.slot_ms)
        verdict.busiest[entry.domain] += 1
        verdict.shards.add(granted.shard)
        verdict.boots.add(granted.boot)
        verdict.versions.add(entry.version)

    def _judge(self, kind: str, name: str, granted: Granted, interval: float) -> None:
        track = self._tracks.setdefault((kind, name), _Track())
        slot = granted.slot_ms
        at = bisect_right(track.slots, slot)
        track.slots.insert(at, slot)
        track.grants.insert(at, (interval, slot, granted.entry.limit, granted.shard, granted.boot))
        track.until_ms = max(track.until_ms, slot + max(interval, WINDOW_MS))
        self._judge_gap(kind, name, track, at)
        self._judge_windows(kind, name, track, at)

    def _judge_gap(self, kind: str, name: str, track: _Track, at: int) -> None:
        """The distance to the slot before; for a late one, also that to the slot after it."""
        for later in (at, at + 1):
            if 0 < later < len(track.slots):
                gap, interval = track.slots[later] - track.slots[later - 1], track.grants[later][0]
                if gap < interval - self._tolerance(track.grants[later - 1], track.grants[later]):
                    self.verdict.early += 1
                    if len(self.verdict.early_examples) < self._most:
                        self.verdict.early_examples.append(Early(name, kind, track.slots[later], gap, interval))

    def _tolerance(self, one: _Grant, other: _Grant) -> float:
        """The time by which one slot may seem to follow the other too soon."""
        if one[3:] == other[3:]:
            return _ROUNDING_MS
        return _MEASURED_MS if one[4] == other[4] else _MEASURED_MS + self._skew

    def _judge_windows(self, kind: str, name: str, track: _Track, at: int) -> None:
        """Every window that holds the new slot, each identified by its last slot."""
        for last in range(at, bisect_left(track.slots, track.slots[at] + WINDOW_MS)):
            first = bisect_right(track.slots, track.slots[last] - WINDOW_MS)
            most = allowed(min(track.grants[first : last + 1])[0])
            fullness = (last + 1 - first) / most
            if fullness > 1 and len({grant[4] for grant in track.grants[first : last + 1]}) > 1:
                first = bisect_right(track.slots, track.slots[last] - WINDOW_MS + self._skew)
                fullness = (last + 1 - first) / most
            self.verdict.broken += fullness > 1
            if fullness > self._bar:
                shards = tuple(sorted({grant[3] for grant in track.grants[first : last + 1]}))
                slots, limit = last + 1 - first, track.grants[last][2]
                self._keep(Window(fullness, name, kind, track.slots[last], slots, most, limit, shards))

    def _keep(self, window: Window) -> None:
        """Keep the fullest window of each name, for the wanted number of names."""
        key = (window.kind, window.name)
        known = self._worst.get(key)
        if known is None or window.fullness > known.fullness:
            self._worst[key] = window
        if len(self._worst) > self._most:
            del self._worst[min(self._worst, key=lambda key: self._worst[key].fullness)]
            self._bar = min(window.fullness for window in self._worst.values())

    def _sweep(self) -> None:
        """Forget slots that no window and no gap can reach any more."""
        self._sweep_at = self._now + _SWEEP_EVERY_MS
        before = self._now - _LATE_MS
        for key in [key for key, track in self._tracks.items() if track.until_ms < before]:
            del self._tracks[key]
        for track in self._tracks.values():
            past = bisect_left(track.slots, before - WINDOW_MS)
            keep_from = min(past, len(track.slots) - 1)  # the gap after the last one is still to be judged
            del track.slots[:keep_from]
            del track.grants[:keep_from]
        if len(self.verdict.busiest) > _MOST_NAMES:
            self.verdict.busiest = Counter(dict(self.verdict.busiest.most_common(_MOST_NAMES // 2)))
