"""What the services tell, as log lines: the rare things that an operator wants to know. Counts are left to metrics."""

from __future__ import annotations

import logging
import sys

from fetcher.telemetry import SilentTelemetry as SilentFetcher
from pinlater.telemetry import Silent as SilentPinLater
from ratelimiter.telemetry import Silent as SilentLimiter

_log = logging.getLogger("aragog")


def log_to_stderr() -> None:
    """Log warnings, and our own news, to standard error."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _log.setLevel(logging.INFO)


class LimiterLog(SilentLimiter):
    """The rate limiter's news."""

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
        """The membership file is bad or gone."""
        _log.error("membership: nothing is granted until %s is good again: %s", path, reason)


class FetcherLog(SilentFetcher):
    """The fetcher's news."""

    def robots_disagreed(self, origin: str, url: str) -> None:
        """Two readings of a robots.txt differ."""
        _log.error("two readings of %s/robots.txt differ on %s: please report this", origin, url)

    def robots_cache_failed(self, code: str) -> None:
        """The shared cache is down."""
        _log.warning("the robots.txt cache failed (%s): files are fetched anew", code)

    def feedback_failed(self, code: str) -> None:
        """The limiter couldn't be told of an answer."""
        _log.warning("the rate limiter wasn't told how a request ended (%s)", code)


class PinLaterLog(SilentPinLater):
    """PinLater's news."""

    def timed_out(self, queue: str, done: int, retry: int) -> None:
        """Claims of dead workers came back."""
        if done or retry:
            _log.warning("queue %s: %d claims timed out, %d of them for good", queue, done + retry, done)

    def shard_failed(self, shard: str, reason: str) -> None:
        """A shard doesn't answer."""
        _log.warning("PinLater's shard %s doesn't answer: %s", shard, reason)
