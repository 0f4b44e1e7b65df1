"""Holds that this process has seen: an unused grant that is older than a hold is void.

A grant may lie a second ahead. A 429 or 503 that comes before it counts for the whole registrable domain (the limiter
decides about the hold: a new request for a grant is refused, or not), and so does a refusal because of a hold that
another process caused. Counted in marks, not in times: no clock is fine enough.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager

from cachetools import FIFOCache

HOLDING = frozenset((429, 503))  # RFC 6585 section 4, RFC 9110 section 15.6.4
_MOST_DOMAINS = 10_000  # the oldest go: a grant lives for a second
_NOTHING = (0, 0.0)
_Notes = FIFOCache[str, tuple[int, float]]
"""Domain -> (the mark at which it was heard, until when there is no slot)."""


class HoldsHeard:
    """What was heard, by registrable domain. Used by one event loop."""

    def __init__(self) -> None:
        self.mark = 0
        """Now: what is granted from here on isn't touched by what was heard before."""
        self._answers: _Notes = FIFOCache(_MOST_DOMAINS)
        self._refusals: _Notes = FIFOCache(_MOST_DOMAINS)
        self._telling: dict[str, set[asyncio.Future[None]]] = {}

    def voids(self, domain: str, mark: int, due_ms: float) -> bool:
        """Whether a grant asked for at `mark`, its slot at `due_ms`, is void."""
        if self.mark <= mark:  # nearly always: nothing was heard since
            return False
        return any(
            heard > mark and due_ms < until_ms
            for heard, until_ms in (self._answers.get(domain, _NOTHING), self._refusals.get(domain, _NOTHING))
        )

    @contextmanager
    def telling(self, domain: str) -> Iterator[None]:
        """The block tells the limiter of an answer that may hold `domain`. What was granted before its end is void."""
        telling = self._telling.setdefault(domain, set())
        told = asyncio.get_running_loop().create_future()
        telling.add(told)
        self._note(self._answers, domain, math.inf)
        try:
            yield
        finally:
            self._note(self._answers, domain, math.inf)
            telling.remove(told)
            if not telling:
                del self._telling[domain]
            told.set_result(None)

    async def told(self, domain: str) -> None:
        """Return when the limiter knows of every answer about `domain`: asked before, it might grant what it holds."""
        while telling := self._telling.get(domain):
            await asyncio.shield(next(iter(telling)))

    def refused(self, domain: str, until_ms: float) -> None:
        """The limiter holds `domain` until `until_ms` at least: no slot is sooner."""
        self._note(self._refusals, domain, until_ms)

    def _note(self, notes: _Notes, domain: str, until_ms: float) -> None:
        self.mark += 1
        notes[domain] = self.mark, until_ms
