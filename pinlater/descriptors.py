"""The two names on PinLater's wire: of a job, and of a claim on it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pinlater.errors import refusal
from thrift_idl.gen.pinlater.ttypes import ErrorCode

_JOB = re.compile(r"(\w{1,64}):s(\w{1,32}):p([0-9]{1,3}):([0-9]{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobDescriptor:
    """`queue:s<shard>:p<priority>:<localId>`; shard and local id are the job's identity."""

    queue: str
    shard: str
    priority: int
    local_id: int

    def __str__(self) -> str:
        return f"{self.queue}:s{self.shard}:p{self.priority}:{self.local_id}"


def parse(descriptor: str) -> JobDescriptor:
    """The parts of a job descriptor. Raises PinLaterException."""
    found = _JOB.fullmatch(descriptor)
    if found is None:
        text = f"jobDescriptor: {descriptor[:200]!r} is none: want queue:s<shard>:p<priority>:<localId>"
        raise refusal(ErrorCode.UNKNOWN, text)
    queue, shard, priority, local_id = found.groups()
    return JobDescriptor(queue, shard, int(priority), int(local_id))


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim that a dequeue writes on its jobs."""

    descriptor: str
    """`host:port:serverStartMs:source:counter`: no two dequeues share one."""
    source: str
    """The caller of the dequeue: the `source` of the request's context."""


def claim(owner: str, source: str, counter: int) -> Claim:
    """The claim of one dequeue; `owner` is `host:port:serverStartMs`."""
    return Claim(f"{owner}:{source}:{counter}", source)
