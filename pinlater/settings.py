"""The settings of the service."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The bounds of one PinLater service, and the password for deleting queues."""

    priorities: int = 3
    """1 is served first. Every server of a store, and its backends, must have the same number."""
    admin_hash: str = field(default="", repr=False)
    """SHA-256 of the password of deleteQueue, in hex; if it is empty, no password is right."""
    body_bytes: int = 1024 * 1024
    """A longer body is refused."""
    dequeue_jobs: int = 2_000
    """No dequeue returns more; a larger limit means this."""
    concurrent_dequeues: int = 500
    """Dequeues of one queue at a time; one more is refused with DEQUEUE_RATE_LIMITED."""
    waiting_dequeues: int = 4_096
    """Dequeues that wait for jobs at a time, all queues together; a further one doesn't wait."""
    wait_ms: int = 60_000
    """No dequeue waits longer; a larger time means this."""
    search_ms: int = 10_000
    """The time limit of searches in bodies (bodyRegexToMatch)."""


DEFAULTS = ServiceSettings()
