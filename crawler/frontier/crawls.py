"""Crawls: the order of each, its progress, and the URLs that failed in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from crawler.frontier.scope import ScopeKind
from thrift_idl.errors import InvalidRequest

MAX_HOSTS = 100_000
"""Seeds' hosts of one crawl: each worker holds them all. A wider crawl has the scope `any`."""

CRAWL_ID = "[A-Za-z0-9_]{1,48}"  # fits into a queue's name (\w+, 64), and into a Redis hash tag
_ID = re.compile(CRAWL_ID)


class CrawlState(StrEnum):
    """The state of a crawl. `done` and `cancelled` are ends; only a retry leads out of `done`."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"

    @property
    def ended(self) -> bool:
        """True if nothing more will be visited."""
        return self in (CrawlState.DONE, CrawlState.CANCELLED)


#: The states that an operator may ask for, by the present state.
_TURNS = {
    CrawlState.RUNNING: {CrawlState.RUNNING, CrawlState.PAUSED, CrawlState.CANCELLED},
    CrawlState.PAUSED: {CrawlState.RUNNING, CrawlState.PAUSED, CrawlState.CANCELLED},
    CrawlState.CANCELLED: {CrawlState.CANCELLED},
    CrawlState.DONE: set[CrawlState](),
}


def may_turn(current: CrawlState, wanted: CrawlState) -> bool:
    """True if pausing, resuming or cancelling leads from `current` to `wanted`; a repeated request is no mistake."""
    return wanted in _TURNS[current]


@dataclass(frozen=True, slots=True)
class Crawl:
    """The order of a crawl; it never changes. Raises `InvalidRequest` naming the field."""

    id: str
    queue: str
    """The PinLater queue of its jobs."""
    seeds: int
    scope: ScopeKind
    max_depth: int | None = None
    """Links away from the nearest seed; None = no limit."""
    max_pages: int | None = None
    created_ms: int = 0
    label: str = ""
    """Free text for people, such as the command line."""

    def __post_init__(self) -> None:
        if not is_crawl_id(self.id):
            raise InvalidRequest(f"crawl id {self.id[:60]!r}: use 1 to 48 letters, digits and underscores")
        for name, least in (("seeds", 0), ("max_depth", 0), ("max_pages", 1), ("created_ms", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InvalidRequest(f"{name} must be {least} or more, not {value}")


def is_crawl_id(text: str) -> bool:
    """True if `text` may name a crawl."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Counters:
    """Entries of a frontier by state; `pages` is the number that `--max-pages` limits.

    A redirecting URL is an alias and no page; a page found twice is one page.
    """

    waiting: int = 0
    claimed: int = 0
    """Running visits that hold a place in the page budget; counted only if the crawl has one."""
    page: int = 0
    alias: int = 0
    refused: int = 0
    failed: int = 0
    skipped: int = 0
    pages: int = 0

    @property
    def open(self) -> int:
        """URLs that the crawl waits for; it ends at 0."""
        return self.waiting + self.claimed

    @property
    def done(self) -> int:
        """URLs that are done."""
        return self.page + self.alias + self.refused + self.failed + self.skipped


@dataclass(frozen=True, slots=True)
class CrawlStatus:
    """A crawl and its state."""

    crawl: Crawl
    state: CrawlState
    counters: Counters
    seeded: bool
    """True if all seeds are in the frontier: before, open = 0 ends nothing."""
    ended_ms: int = 0
    """0 = it hasn't."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """The number of visits by outcome code."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A URL that failed, for `crawl show --failed` and `crawl retry`."""

    key: bytes
    url: str
    code: str
    message: str
    tries: int


class Crawls(Protocol):
    """The crawls of one frontier. Raises `BackendDown` and its kinds, `NotFound` for an unknown crawl."""

    async def create(self, crawl: Crawl, hosts: Sequence[str] = ()) -> bool:
        """Start a crawl, running, not yet seeded; False if that id is taken (nothing changes then).

        `hosts` are its seeds' (`scope.seed_hosts`), () for the scope `any`. Raises `InvalidRequest` above `MAX_HOSTS`.
        """
        ...

    async def seeded(self, crawl_id: str) -> CrawlState:
        """All seeds are scheduled: from now on open = 0 ends the crawl, and ends it here if it is 0 already.

        A seeder that died before this call must seed again, completely; a second call changes nothing.
        """
        ...

    async def status(self, crawl_id: str) -> CrawlStatus:
        """The crawl and its state."""
        ...

    async def hosts(self, crawl_id: str) -> frozenset[str]:
        """The hosts of its seeds. They never change: read once in a process."""
        ...

    async def all(self) -> Sequence[CrawlStatus]:
        """Every crawl, the newest first."""
        ...

    async def turn(self, crawl_id: str, state: CrawlState) -> CrawlState:
        """Pause, resume or cancel. Raises `InvalidRequest` if the crawl has ended."""
        ...

    async def failures(self, crawl_id: str, after: bytes = b"", limit: int = 1000) -> Sequence[Failure]:
        """At most `limit` failed URLs after the key `after`, by key; those under retry too, until that has ended."""
        ...

    async def reopen(self, crawl_id: str, keys: Sequence[bytes]) -> Mapping[bytes, int]:
        """Begin a retry: failed entries wait again, owned by no job yet. Returns those that need a job: key -> depth.

        Enqueue a job for each, with that depth, then `Frontier.schedule` them. The crawl counts them as open from now
        on, so that it can't end between; a caller that died before it had scheduled calls this again and gets
        the same keys. Raises `InvalidRequest` for a cancelled crawl.
        """
        ...

    async def forget(self, crawl_id: str) -> None:
        """Remove an ended crawl and its entries. Raises `InvalidRequest` if it hasn't ended. Repeatable."""
        ...
