"""The frontier: the URLs that a crawl knows, those that are done, and the end of the crawl.

An entry, (crawl id, URL key) -> (state, owner, least depth), belongs to one job: its *owner*. Entry and counters
move in one transaction, and always before the ack of the job that moves them.

**A crawl ends exactly once, and never too early.** Every URL that a visit found has an entry before that visit is
finished, because `schedule` comes before `finish`; until `finish` the visited URL's own entry is open. So open = 0
means that every URL found is done. The transaction that brings it to 0 also sets the state to `done`. After that only
`Crawls.reopen` adds an open entry. Before `Crawls.seeded` the seeder may still add entries, so 0 does not end the
crawl.

**A crash repeats work, and loses none.** A worker that dies leaves its job in the queue; another worker claims it:

- before `unknown`, or between it and the enqueue: only least depths have changed, which may change at any time;
- between enqueue and `schedule`: orphans, jobs without an entry. The visit is repeated and finds the links again. Of
  the orphan and the new job, the first one at `schedule` or `claim` owns the entry; the other is a repeat;
- between `schedule` and `finish`: the links have their entries, and the repeated visit finds them known;
- between `finish` and ack: the job's entry is done, and its `claim` answers REPEAT.

**Depth** matters only to a crawl with a depth limit; then an entry keeps the least depth at which its URL was
found. A URL that is found at a smaller depth while its job waits or its visit runs keeps its job and its visit: `claim`
returns the least depth instead of the job's own, and `finish` answers AGAIN if it has become smaller since, so that the
links are scheduled at the right depth. A page that was done is reopened for the job of smaller depth, which follows the
*stored* links (RELINK). No page is fetched twice.

**The page budget** is exact: a claim takes a place in it, and its entry holds the place until `finish` or `release`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from crawler.frontier.crawls import Crawls
from crawler.frontier.entry import EntryState, FrontierEntry
from weburl import KEY_BYTES

__all__ = [
    "KEY_BYTES",
    "LOST_CODE",
    "OVER_BUDGET_CODE",
    "ClaimVerdict",
    "Crawls",
    "EntryClaim",
    "EntryState",
    "Finish",
    "Finished",
    "Frontier",
    "FrontierEntry",
    "Offer",
    "Rekeyed",
    "VisitEnding",
]

OVER_BUDGET_CODE = "over_budget"
"""The outcome code of a URL that was skipped because the crawl had all its pages."""
LOST_CODE = "lost"
"""The outcome code of a URL that was skipped because its job was lost and nothing names the URL any more."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A job in the frontier's view."""

    key: bytes
    """The URL key of the job's URL."""
    descriptor: str
    """The job descriptor; it is only ever compared, so that an entry keeps eight bytes of its hash."""
    depth: int


class ClaimVerdict(IntEnum):
    """The work for a job that was dequeued."""

    MINE = 0
    """Visit the URL."""
    RELINK = 1
    """This crawl has visited the URL, which is now found at a smaller depth: schedule its stored content, a page's
    links or an alias's target, at the new depth; don't fetch. Finish in the previous state, page or alias."""
    REPEAT = 2
    """The URL is another job's, or done: ack."""
    OVER_BUDGET = 3
    """The crawl has its pages: skipped, counted, ack."""
    LATER = 4
    """The crawl is paused, or running visits may fill it: give the job back, skip this queue for a moment."""
    NOT_RUNNING = 5
    """The crawl has ended or is unknown: ack."""


@dataclass(frozen=True, slots=True)
class EntryClaim:
    """The verdict, and with MINE and RELINK the depth that counts: the job's own, or a smaller one."""

    verdict: ClaimVerdict
    depth: int


@dataclass(frozen=True, slots=True)
class VisitEnding:
    """The end of a visit. Deferrals aren't endings: their entries stay open."""

    state: EntryState
    """PAGE; ALIAS, if the redirect's target is scheduled as a URL of its own, at the same depth; REFUSED, FAILED;
    or SKIPPED (out of scope, set aside ...)."""
    code: str
    """The outcome's code."""
    url: str = ""
    """For the list of failed URLs, as are the following."""
    message: str = ""
    tries: int = 0

    @property
    def leads_on(self) -> bool:
        """True if it found other URLs, at a depth that counts."""
        return self.state in (EntryState.PAGE, EntryState.ALIAS)


class Finished(IntEnum):
    """The effect of `finish`."""

    DONE = 0
    AGAIN = 1
    """None: the page was found at a smaller depth meanwhile. Schedule its links at that depth, then finish there."""
    STALE = 2
    """None: the entry is done already, or another job's. Ack."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer of `finish`."""

    finished: Finished
    depth: int
    open: int
    pages: int
    ended: bool
    """True if the crawl is done or cancelled (or unknown)."""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """A URL with a new key."""

    old: bytes
    new: bytes
    descriptor: str = ""
    """The job of the URL: an open entry is moved only for its own. "" = one that is done, or that no job owns."""


class Frontier(Protocol):
    """The entries of all crawls. Raises `BackendDown` and its kinds; any call may then be repeated unchanged.

    Batches are processed in slices, each of them atomic: that is enough, because every offer is independent.
    """

    @property
    def crawls(self) -> Crawls:
        """The crawls themselves, in the same backend."""
        ...

    async def unknown(self, crawl_id: str, keys: Sequence[bytes], depth: int) -> Sequence[bytes]:
        """The URLs, found at `depth`, that need a job; each once, in order. Called before the enqueue.

        None of a crawl that has ended or has its pages. Lowers least depths in passing. Repeating it is harmless, and
        gives the same answer until `schedule`.
        """
        ...

    async def schedule(self, crawl_id: str, offers: Sequence[Offer]) -> None:
        """Enter the jobs just enqueued, before the visit that found their URLs is finished.

        A URL that has an owner keeps it, unless its page is done and now found at a smaller depth. Repeating it, also
        after the jobs were visited, changes nothing; nor does it in a crawl that has ended.
        """
        ...

    async def claim(self, crawl_id: str, offers: Sequence[Offer]) -> Sequence[EntryClaim]:
        """The verdict on each of the jobs just dequeued.

        A job dequeued before it was scheduled (or enqueued by another client) gets its entry here. A repeated claim,
        after a crash, a deferral or by another worker, gets the same answer until the entry is finished.
        """
        ...

    async def release(self, crawl_id: str, offers: Sequence[Offer]) -> None:
        """Give back places in the page budget, before deferring. Repeatable; does nothing without a budget."""
        ...

    async def finish(self, crawl_id: str, offer: Offer, ending: VisitEnding, final_key: bytes | None = None) -> Finish:
        """The visit is over and its links, if any, are scheduled at `offer.depth` + 1. Before the ack.

        A redirect may be walked in one visit, which then ends as PAGE with a `final_key`, or one hop a visit,
        each an ALIAS whose target is scheduled at `offer.depth`. `final_key` is the key of the URL that the
        page was served from, where that is another (redirects): it is marked done by this job, counted as the
        page, and its own job, if any, is a repeat. A second call is STALE: neither page nor open entry is
        counted twice. So is that of a worker that lost its URL to another job.
        """
        ...

    async def key_version(self) -> int:
        """The version of the URL keys: this Aragog's, unless the frontier was opened to be converted."""
        ...

    async def write_key_version(self, version: int) -> None:
        """The entries of all crawls have been converted; durable on return."""
        ...

    async def rekey(self, crawl_id: str, urls: Sequence[Rekeyed]) -> int:
        """Move entries, with the list of failed ones, to their URLs' new keys; returns their number. Repeatable.

        No other process works with the crawl meanwhile. An existing entry of a new key stays, and the other is dropped.
        """
        ...

    def entries(self, crawl_id: str) -> AsyncIterator[Mapping[bytes, FrontierEntry]]:
        """All entries of a crawl by URL key, some thousand at a time; one that moves meanwhile may come twice."""
        ...

    async def disown(self, crawl_id: str, entries: Mapping[bytes, FrontierEntry], *, refetch: bool = False) -> int:
        """Their jobs, or with `refetch` their pages, are lost: they wait again, owned by no job; returns their number.

        An entry that differs from the given one stays unchanged. `unknown` asks for a job for each. A crawl that
        was done runs again; one that was cancelled stays so.
        """
        ...

    async def give_up(self, crawl_id: str, keys: Sequence[bytes]) -> int:
        """Nothing names these URLs: those that wait for a job are skipped as `LOST_CODE`; returns their number."""
        ...

    async def close(self) -> None:
        """Finish running work and release connections."""
        ...
