"""The request of one dequeue to the shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pinlater.backends import NO_CAP, Backend, DequeuedJob
from pinlater.descriptors import Claim


@dataclass(frozen=True, slots=True)
class DequeueRequest:
    """Jobs of a queue, ready at `now_ms`, in the order of the priorities."""

    queue: str
    claim: Claim | None
    """None: the jobs are shown, not claimed."""
    priorities: tuple[int, ...]
    limit: int
    now_ms: int
    most_claimed: int = NO_CAP
    """Together with earlier claims, on all shards."""

    async def ask(self, backend: Backend, priorities: Sequence[int], left: int) -> list[DequeuedJob]:
        """At most `left` of them from one shard. A single shard bounds the claims itself."""
        if self.claim is None:
            return await backend.peek(self.queue, priorities, left, self.now_ms)
        return await backend.dequeue(self.queue, self.claim, priorities, left, self.now_ms, self.most_claimed)
