"""The work that a worker has done so far, for its observers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cachetools import TTLCache

from crawler.visit.visitor import PageVisit
from runtime.clock import monotonic_ms
from thrift_idl.errors import InvalidUrl
from weburl import host, registrable_domain

_LATELY_MS = 2_000
_MOST_DOMAINS = 10_000


@dataclass(slots=True)
class WorkerProgress:
    """Counts since the worker started."""

    outcomes: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    content_bytes: int = 0
    published: int = 0
    linked: int = 0
    set_aside: int = 0
    """Follow-up jobs that failed repeatedly."""
    refused_slot: TTLCache[str, None] = field(default_factory=lambda: TTLCache(_MOST_DOMAINS, _LATELY_MS, monotonic_ms))
    """Registrable domains that had no slot recently."""

    def visited(self, crawl_id: str, visit: PageVisit) -> None:
        """One visit ended."""
        self.outcomes[visit.outcome.code] += 1
        if visit.outcome.code == "no_slot":
            self._note_limit(visit.url)
        if visit.page is not None:
            self.pages += 1
            self.content_bytes += visit.page.content_bytes

    def deferred(self, url: str) -> None:
        """A job was given back unvisited: its domain had no slot left."""
        self.outcomes["no_slot"] += 1
        self._note_limit(url)

    def at_their_limit(self) -> int:
        """Domains that had no slot recently."""
        return len(self.refused_slot)

    def _note_limit(self, url: str) -> None:
        try:
            self.refused_slot[registrable_domain(host(url))] = None
        except InvalidUrl:
            return
