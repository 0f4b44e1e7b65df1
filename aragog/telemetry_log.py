"""Events of the services as log lines: the rare ones that an operator wants to know. Metrics hold the counts."""

from __future__ import annotations

import logging
import sys

from aragog.harmless_text import LogLine
from fetcher.robots.rules import told
from fetcher.telemetry import SilentFetcherTelemetry as SilentFetcher
from pinlater.telemetry import SilentPinLaterTelemetry as SilentPinLater
from ratelimiter.telemetry import SilentLimiterTelemetry as SilentLimiter

_log = logging.getLogger("aragog")


def log_to_stderr() -> None:
    """Log warnings, and our own events, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler])
    _log.setLevel(logging.INFO)


class LimiterLog(SilentLimiter):
    """The rate limiter's events."""

    def held(self, domain: str, status: int, hold_ms: float) -> None:
        """A host asked for patience."""
        _log.info("%s is held for %.0f ms: it answered %d", domain, hold_ms, status)

    def limits_loaded(self, path: str, overrides: int) -> None:
        """A new override file is in force."""
        _log.info("limits: %s is in force, %d overrides", path, overrides)

    def limits_refused(self, path: str, reason: str) -> None:
        """The override file is bad."""
        _log.warning("limits: %s is refused, the last good ones stay: %s", path, reason)

    def membership_adopted(self, version: int, owned: int, slots: int) -> None:
        """The pool has changed."""
        _log.info("membership: version %d is in force, %.1f %% of the domains are ours", version, 100 * owned / slots)

    def membership_refused(self, path: str, reason: str) -> None:
        """The membership file is bad or missing."""
        _log.error("membership: nothing is granted until %s is good again: %s", path, reason)


class FetcherLog(SilentFetcher):
    """The fetcher's events."""

    _exceeding = ("", "")

    def robots_exceeded(self, origin: str, flag: str) -> None:
        """A robots.txt exceeds a bound; logged once for URLs in a row."""
        if (origin, flag) != self._exceeding:
            self._exceeding = origin, flag
            _log.warning("%s/robots.txt forbids a URL: %s", origin, told(flag))

    def robots_cache_failed(self, code: str) -> None:
        """The shared cache is down."""
        _log.warning("the robots.txt cache failed (%s): files are fetched again", code)

    def feedback_failed(self, code: str) -> None:
        """The limiter couldn't be told of an answer."""
        _log.warning("the rate limiter wasn't told how a request ended (%s)", code)


class PinLaterLog(SilentPinLater):
    """PinLater's events."""

    def timed_out(self, queue: str, done: int, retry: int) -> None:
        """Claims of dead workers came back."""
        if done or retry:
            _log.warning("queue %s: %d claims timed out, %d of them for good", queue, done + retry, done)

    def shard_failed(self, shard: str, reason: str) -> None:
        """A shard doesn't answer."""
        _log.warning("PinLater's shard %s doesn't answer: %s", shard, reason)

    def shard_unhealthy(self, shard: str) -> None:
        """A shard is avoided."""
        _log.error("PinLater's shard %s is unhealthy: the others do its work until it answers", shard)

    def shard_well(self, shard: str) -> None:
        """A shard is back."""
        _log.info("PinLater's shard %s answers again", shard)

    def file_loaded(self, path: str) -> None:
        """A new file of shards or queues."""
        _log.info("PinLater: %s is in force", path)

    def file_refused(self, path: str, reason: str) -> None:
        """A bad file of shards or queues."""
        _log.warning("PinLater: %s is refused, the last good one stays: %s", path, reason)
