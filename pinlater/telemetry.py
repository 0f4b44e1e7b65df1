"""PinLater's telemetry: the contract's counters, by queue. The default does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class PinLaterTelemetry(Protocol):
    """Called on the hot path: plain methods that neither block nor raise."""

    def enqueued(self, queue: str, jobs: int) -> None:
        """`enqueue`: jobs stored."""

    def dequeued(self, queue: str, delays_ms: Sequence[int], first_delays_ms: Sequence[int]) -> None:
        """`dequeue`, `dequeue_delay_ms`, `first_dequeue_delay_ms`: from a job's run_after to its claim.

        The first delays are those of jobs that have lost no attempt.
        """

    def acked(self, queue: str, succeeded: int, failed: int, noops: int) -> None:
        """`ack_succeeded`, `ack_failed`, `ack_noop`: no-ops are acks of claims that are no longer valid."""

    def checkpointed(self, queue: str, jobs: int, noops: int) -> None:
        """`checkpoint`, `checkpoint_noop`."""

    def timed_out(self, queue: str, done: int, retry: int) -> None:
        """`timeout_done`, `timeout_retry`: claims lost for good, and those to be tried again."""

    def collected(self, queue: str, jobs: int) -> None:
        """`gc`: finished jobs removed."""

    def rate_limited(self, queue: str) -> None:
        """`rate_limited`: a dequeue refused."""

    def shard_failed(self, shard: str, reason: str) -> None:
        """A shard didn't answer; others were asked instead, or the caller was told."""

    def shard_unhealthy(self, shard: str) -> None:
        """A shard failed too often: it is avoided until a probe is answered."""

    def shard_well(self, shard: str) -> None:
        """A shard that was unhealthy answers again."""

    def file_loaded(self, path: str) -> None:
        """A changed file of shards or queues is in force."""

    def file_refused(self, path: str, reason: str) -> None:
        """Such a file is bad; the last good one stays in force."""


class SilentPinLaterTelemetry:
    """Telemetry that does nothing."""

    def enqueued(self, queue: str, jobs: int) -> None:
        """Do nothing."""

    def dequeued(self, queue: str, delays_ms: Sequence[int], first_delays_ms: Sequence[int]) -> None:
        """Do nothing."""

    def acked(self, queue: str, succeeded: int, failed: int, noops: int) -> None:
        """Do nothing."""

    def checkpointed(self, queue: str, jobs: int, noops: int) -> None:
        """Do nothing."""

    def timed_out(self, queue: str, done: int, retry: int) -> None:
        """Do nothing."""

    def collected(self, queue: str, jobs: int) -> None:
        """Do nothing."""

    def rate_limited(self, queue: str) -> None:
        """Do nothing."""

    def shard_failed(self, shard: str, reason: str) -> None:
        """Do nothing."""

    def shard_unhealthy(self, shard: str) -> None:
        """Do nothing."""

    def shard_well(self, shard: str) -> None:
        """Do nothing."""

    def file_loaded(self, path: str) -> None:
        """Do nothing."""

    def file_refused(self, path: str, reason: str) -> None:
        """Do nothing."""


SILENT: PinLaterTelemetry = SilentPinLaterTelemetry()
