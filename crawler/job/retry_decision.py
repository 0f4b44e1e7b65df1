"""The decision about a job after its visit: it ends, or runs again later. Pure: time and chance are arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace

from crawler.frontier import EntryState, VisitEnding
from crawler.job.body import CrawlJob
from runtime.backoff import Backoff
from runtime.durations import DAY_MS, HOUR_MS
from thrift_idl.errors import InternalError
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.gen.urlstore.ttypes import Outcome

#: The least time counted for a deferral, so that a host that asks for none of it comes to an end.
_LEAST_PATIENCE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits of trying a URL; a job's own policy overrides them."""

    max_tries: int = 4
    """Visits that end as `unavailable` before the URL is failed."""
    give_up_ms: int = DAY_MS
    """After its host has deferred it for this time in total, with no other result between, the URL is failed. Our own
    delays aren't counted: a backend that was down, or a worker, fails no URL."""
    backoff_ms: int = 30_000
    """After the first `unavailable`; doubled each time."""
    max_backoff_ms: int = HOUR_MS


@dataclass(frozen=True, slots=True)
class Ended:
    """The URL is done."""

    ending: VisitEnding


@dataclass(frozen=True, slots=True)
class Again:
    """The job waits, its body changed."""

    delay_ms: int
    job: CrawlJob


def next_move(
    job: CrawlJob, outcome: Outcome, chain: tuple[Hop, ...], patience: Patience, chance: float
) -> Ended | Again:
    """The decision after a visit that ended with `outcome`; `chance` (0 to 1) spreads retries."""
    if outcome.family == "fetched":
        return Ended(VisitEnding(EntryState.PAGE, outcome.code))
    if outcome.family == "deferred":
        return _deferred(job, outcome, chain, patience)
    if outcome.family == "unavailable":
        return _unavailable(job, outcome, patience, chance)
    if outcome.family == InternalError.family:
        return Ended(failed(job, outcome))
    return Ended(_ending(EntryState.REFUSED, job, outcome))


def failed(job: CrawlJob, outcome: Outcome) -> VisitEnding:
    """The end of a URL whose job is given up: `aragog crawl retry` tries it again."""
    return _ending(EntryState.FAILED, job, outcome)


def _deferred(job: CrawlJob, outcome: Outcome, chain: tuple[Hop, ...], patience: Patience) -> Ended | Again:
    """A host's own deferrals end after `give_up_ms`; waiting for a slot of ours has no end."""
    delay_ms = max(outcome.delay_ms or 0, 1)
    if outcome.code == "no_slot":
        return Again(delay_ms, replace(job, resume=chain))
    deferred_ms = job.deferred_ms + max(delay_ms, _LEAST_PATIENCE_MS)
    give_up_ms = job.policy.give_up_ms if job.policy.give_up_ms is not None else patience.give_up_ms
    if deferred_ms > give_up_ms:
        return Ended(failed(job, outcome))
    return Again(delay_ms, replace(job, resume=chain, deferred_ms=deferred_ms))


def _unavailable(job: CrawlJob, outcome: Outcome, patience: Patience, chance: float) -> Ended | Again:
    """Exponential backoff with full jitter above its half."""
    tries = job.tries + 1
    if tries >= (job.policy.max_tries if job.policy.max_tries is not None else patience.max_tries):
        return Ended(failed(replace(job, tries=tries), outcome))
    delay_ms = max(1, Backoff(patience.backoff_ms, patience.max_backoff_ms).delay_ms(tries, chance))
    return Again(delay_ms, replace(job, tries=tries, deferred_ms=0, resume=()))


def _ending(state: EntryState, job: CrawlJob, outcome: Outcome) -> VisitEnding:
    return VisitEnding(state, outcome.code, job.url, outcome.message, job.tries)
