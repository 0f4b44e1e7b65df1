"""What a worker has done so far, for whoever watches it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from aragog.crawl.visit import Visit


@dataclass(slots=True)
class Tally:
    """Counts since the worker started."""

    outcomes: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    content_bytes: int = 0
    published: int = 0
    linked: int = 0

    def visited(self, crawl_id: str, visit: Visit) -> None:
        """One visit ended."""
        self.outcomes[visit.outcome.code] += 1
        if visit.page is not None:
            self.pages += 1
            self.content_bytes += visit.page.content_bytes
