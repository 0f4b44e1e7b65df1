"""Prometheus metrics: one registry of this process, filled by the telemetry of its services.

Labels are bounded: all crawls' queues are `crawl_*`. Of the names that others choose, the first ones have labels of
their own, and the rest share `other`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aragog.telemetry_log import FetcherLog, LimiterLog, PinLaterLog
from fetcher.telemetry import RequestEnded
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import PinLaterQueueStatsRequest, RequestContext
from thrift_idl.gen.ratelimiter.ttypes import Grant
from urlstore.telemetry import MethodCall, PagePut

REGISTRY: Final = CollectorRegistry()
Refresh = Callable[[], Awaitable[None]]
REFRESHES: Final[list[Refresh]] = []
"""Updates gauges before they are read."""

_DELAYS_MS: Final = (1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 60_000, 600_000, 3_600_000)
_LATENCIES_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000)


class Labels:
    """Names as labels, with a bound on their number."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def of(self, name: str) -> str:
        """The label: the name itself, or `other`."""
        if name not in self._known:
            if len(self._known) >= self._most:
                return "other"
            self._known.add(name)
        return name


class QueueLabels(Labels):
    """Labels of queues: those of crawls are temporary, and share one."""

    def of(self, name: str) -> str:
        """The label of a queue."""
        return "crawl_*" if name.startswith("crawl_") else super().of(name)


QUEUES: Final = QueueLabels(200)
_CODES: Final = Labels(100)
_SOURCES: Final = Labels(50)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
    return Histogram(name, text, labels, buckets=buckets, registry=REGISTRY)


_ENQUEUE = _counter("pinlater_enqueue", "Jobs stored.", "queue")
_DEQUEUE = _counter("pinlater_dequeue", "Jobs handed out.", "queue")
_DELAY = _histogram("pinlater_dequeue_delay_ms", "From a job's run_after to its claim.", _DELAYS_MS, "queue")
_FIRST_DELAY = _histogram(
    "pinlater_first_dequeue_delay_ms", "The same, of jobs that have lost no attempt.", _DELAYS_MS, "queue"
)
_ACK_SUCCEEDED = _counter("pinlater_ack_succeeded", "Jobs that succeeded.", "queue")
_ACK_FAILED = _counter("pinlater_ack_failed", "Attempts that failed.", "queue")
_ACK_NOOP = _counter("pinlater_ack_noop", "Acks of claims that were no longer valid.", "queue")
_CHECKPOINT = _counter("pinlater_checkpoint", "Checkpoints.", "queue")
_CHECKPOINT_NOOP = _counter("pinlater_checkpoint_noop", "Checkpoints of claims that were no longer valid.", "queue")
_TIMEOUT_DONE = _counter("pinlater_timeout_done", "Claims lost with the job's last attempt.", "queue")
_TIMEOUT_RETRY = _counter("pinlater_timeout_retry", "Claims lost, the job to be tried again.", "queue")
_GC = _counter("pinlater_gc", "Finished jobs removed.", "queue")
_RATE_LIMITED = _counter("pinlater_rate_limited", "Dequeues refused.", "queue")
_SHARD_FAILED = _counter("pinlater_shard_failed", "Calls that a shard didn't answer.", "shard")
_SHARD_UNHEALTHY = Gauge("pinlater_shard_unhealthy", "1 while a shard is avoided.", ("shard",), registry=REGISTRY)
_JOBS = Gauge("pinlater_jobs", "Jobs by their present state.", ("queue", "state"), registry=REGISTRY)
_OLDEST = Gauge(
    "pinlater_oldest_ready_ms", "Time since the oldest ready job became ready.", ("queue",), registry=REGISTRY
)
_PAUSED = Gauge("pinlater_paused", "Queues that give no jobs.", ("queue",), registry=REGISTRY)
_MISSING = Gauge("pinlater_missing_shards", "Shards missing in the numbers of jobs.", registry=REGISTRY)

_REQUESTS = _counter("fetcher_requests", "Requests on the wire.", "purpose", "outcome")
_LATENCY = _histogram("fetcher_request_latency_ms", "Of requests on the wire.", _LATENCIES_MS, "purpose")
_BYTES = _counter("fetcher_wire_bytes", "Bytes received.", "purpose")
_FETCHES = _counter("fetcher_fetches", "Fetches, by the code of the error that ended them.", "code")
_VOIDED = _counter("fetcher_grants_voided", "Grants that came too late.")
_EXCEEDED = _counter("fetcher_robots_exceeded", "URLs denied because of what their robots.txt would cost.", "flag")

_RESERVATIONS = _counter("ratelimiter_reservations", "Reservations, by their result.", "outcome")
_CONTENDED = _counter("ratelimiter_contended", "Reservations that lost every compare-and-set.")
_HELD = _counter("ratelimiter_held", "Hosts that asked us to wait.", "status")
_LIMITS_REFUSED = _counter("ratelimiter_limits_refused", "Bad override files; the last good one stays.")
_LIMITS_GOOD = Gauge(
    "ratelimiter_limits_good", "1 while the present override file is in force.", ("file",), registry=REGISTRY
)

_CALLS = _histogram("urlstore_call_ms", "Answered calls.", _LATENCIES_MS, "method")
_CALL_ERRORS = _counter("urlstore_call_errors", "Calls that raised.", "method", "code")
_PAGES = _counter("urlstore_pages", "Pages stored.", "source", "changed")
_STORED = _counter("urlstore_stored_bytes", "Bytes written to the content backend.")


class PinLaterMetrics(PinLaterLog):
    """PinLater's counters, under the contract's names."""

    def enqueued(self, queue: str, jobs: int) -> None:
        """Count."""
        _ENQUEUE.labels(QUEUES.of(queue)).inc(jobs)

    def dequeued(self, queue: str, delays_ms: Sequence[int], first_delays_ms: Sequence[int]) -> None:
        """Count, and observe each delay."""
        label = QUEUES.of(queue)
        _DEQUEUE.labels(label).inc(len(delays_ms))
        for family, delays in ((_DELAY, delays_ms), (_FIRST_DELAY, first_delays_ms)):
            observe = family.labels(label).observe
            for delay in delays:
                observe(delay)

    def acked(self, queue: str, succeeded: int, failed: int, noops: int) -> None:
        """Count."""
        label = QUEUES.of(queue)
        _ACK_SUCCEEDED.labels(label).inc(succeeded)
        _ACK_FAILED.labels(label).inc(failed)
        _ACK_NOOP.labels(label).inc(noops)

    def checkpointed(self, queue: str, jobs: int, noops: int) -> None:
        """Count."""
        _CHECKPOINT.labels(QUEUES.of(queue)).inc(jobs)
        _CHECKPOINT_NOOP.labels(QUEUES.of(queue)).inc(noops)

    def timed_out(self, queue: str, done: int, retry: int) -> None:
        """Count, and log it."""
        super().timed_out(queue, done, retry)
        _TIMEOUT_DONE.labels(QUEUES.of(queue)).inc(done)
        _TIMEOUT_RETRY.labels(QUEUES.of(queue)).inc(retry)

    def collected(self, queue: str, jobs: int) -> None:
        """Count."""
        _GC.labels(QUEUES.of(queue)).inc(jobs)

    def rate_limited(self, queue: str) -> None:
        """Count."""
        _RATE_LIMITED.labels(QUEUES.of(queue)).inc()

    def shard_failed(self, shard: str, reason: str) -> None:
        """Count, and log it."""
        super().shard_failed(shard, reason)
        _SHARD_FAILED.labels(shard).inc()

    def shard_unhealthy(self, shard: str) -> None:
        """Note, and log it."""
        super().shard_unhealthy(shard)
        _SHARD_UNHEALTHY.labels(shard).set(1)

    def shard_well(self, shard: str) -> None:
        """Note, and log it."""
        super().shard_well(shard)
        _SHARD_UNHEALTHY.labels(shard).set(0)


def queue_gauges(service: PinLater) -> Refresh:
    """The function that counts the jobs of all queues again."""

    async def refresh() -> None:
        found = await service.getQueueStats(RequestContext("metrics"), PinLaterQueueStatsRequest())
        for family in (_JOBS, _OLDEST, _PAUSED):
            family.clear()
        _MISSING.set(len(found.missingShards))
        oldest = dict[str, int]()
        for stats in found.queues:
            label = QUEUES.of(stats.queueName)
            for state in ("ready", "later", "inProgress", "succeeded", "failed"):
                _JOBS.labels(label, state).inc(getattr(stats, state))
            _PAUSED.labels(label).inc(stats.paused)
            oldest[label] = max(oldest.get(label, 0), stats.oldestReadyMillis or 0)
        for label, age_ms in oldest.items():
            _OLDEST.labels(label).set(age_ms)

    return refresh


class FetcherMetrics(FetcherLog):
    """The fetcher's counters."""

    def request_ended(self, details: RequestEnded) -> None:
        """Count by status class, or by the error's code."""
        outcome = _CODES.of(details.code) if details.code else f"{details.status // 100}xx"
        _REQUESTS.labels(details.purpose, outcome).inc()
        _LATENCY.labels(details.purpose).observe(details.latency_ms)
        _BYTES.labels(details.purpose).inc(details.wire_bytes)

    def fetch_ended(self, source: str, code: str, elapsed_ms: float) -> None:
        """Count."""
        _FETCHES.labels(_CODES.of(code) if code else "fetched").inc()

    def grant_voided(self, domain: str) -> None:
        """Count."""
        _VOIDED.inc()

    def robots_exceeded(self, origin: str, flag: str) -> None:
        """Count, and log it."""
        super().robots_exceeded(origin, flag)
        _EXCEEDED.labels(flag).inc()


class LimiterMetrics(LimiterLog):
    """The rate limiter's counters."""

    def reserved(self, source: str, domain: str, grant: Grant) -> None:
        """Count."""
        _RESERVATIONS.labels("granted" if grant.granted else _CODES.of(grant.reason or "refused")).inc()

    def contended(self, domain: str) -> None:
        """Count."""
        _CONTENDED.inc()

    def held(self, domain: str, status: int, hold_ms: float) -> None:
        """Count, and log it."""
        super().held(domain, status, hold_ms)
        _HELD.labels(str(status)).inc()

    def limits_loaded(self, path: str, overrides: int) -> None:
        """The file is good; log it."""
        super().limits_loaded(path, overrides)
        _LIMITS_GOOD.labels(path).set(1)

    def limits_refused(self, path: str, reason: str) -> None:
        """The file is bad; count, and log it."""
        super().limits_refused(path, reason)
        _LIMITS_GOOD.labels(path).set(0)
        _LIMITS_REFUSED.inc()


class StoreMetrics:
    """The store's counters."""

    def called(self, call: MethodCall) -> None:
        """Observe."""
        _CALLS.labels(call.method).observe(call.took_ms)
        if call.error:
            _CALL_ERRORS.labels(call.method, _CODES.of(call.error)).inc()

    def page_put(self, put: PagePut) -> None:
        """Count."""
        _PAGES.labels(_SOURCES.of(put.source), str(put.content_changed).lower()).inc()
        _STORED.inc(put.stored_bytes)
