"""Conversion between Redis's bytes and the values of the seam."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from pinlater.backends import LAST_MS, AckOf, CheckpointOf, DequeuedJob, Position, ScannedJob, Span
from pinlater.descriptors import JobDescriptor
from thrift_idl.gen.pinlater.ttypes import PinLaterDequeueMetadata, PinLaterJob, PinLaterJobInfo, PinLaterJobState

Value = str | bytes | int


class Packed(msgspec.Struct, array_like=True):
    """A job in the scripts' form; the order is prelude.lua's."""

    state: int
    priority: int
    run_after_ms: int
    created_ms: int
    updated_ms: int
    attempts_allowed: int
    attempts_remaining: int
    claim: str
    source: str
    custom_status: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Packed).decode


def member(local_id: int) -> str:
    """A local id in the scripts' form: all have one length, so that their order is the numbers'."""
    return f"{local_id:012d}"


def new_job(job: PinLaterJob, now_ms: int) -> tuple[Value, ...]:
    """The arguments of enqueue.lua; an absent run_after is now."""
    run_after_ms = now_ms if job.runAfterTimestampMillis is None else job.runAfterTimestampMillis
    attempts = job.numAttemptsAllowed
    packed = Packed(
        PinLaterJobState.PENDING,
        job.priority,
        run_after_ms,
        now_ms,
        now_ms,
        attempts,
        attempts,
        "",
        "",
        job.customStatus,
    )
    return (job.priority, run_after_ms, _encode(packed), job.body)


def ack(of: AckOf, succeeded: bool, now_ms: int) -> tuple[Value, ...]:
    """The arguments of ack.lua."""
    local_id, info = of
    retry_at_ms = min(now_ms + info.retryDelayMillis, LAST_MS)
    return (member(local_id), int(succeeded), _claim(info.claimDescriptor), info.appendCustomStatus, retry_at_ms)


def checkpoint(of: CheckpointOf, now_ms: int) -> bytes:
    """The arguments of checkpoint.lua; an absent run_after is now, which extends the claim."""
    local_id, request = of
    fields = {
        "id": member(local_id),
        "claim": _claim(request.claimDescriptor),
        "to_pending": request.moveToPending,
        "run_after": now_ms if request.runAfterTimestampMillis is None else request.runAfterTimestampMillis,
        "status": request.prependCustomStatus or "",
        "attempts": request.numOfAttemptsAllowed,
        "body": request.newBody,
    }
    return _encode({name: value for name, value in fields.items() if value is not None})


def _claim(descriptor: str | None) -> str:
    return "" if descriptor is None else f"={descriptor}"


def span(wanted: Span) -> tuple[Value, ...]:
    """The arguments of scan.lua, after the limit."""
    before = wanted.before
    return (wanted.state, wanted.after_ms, before.due_ms, member(before.local_id), *wanted.priorities)


def dequeued(found: Sequence[bytes], queue: str, shard: str, claim: str | None) -> Iterator[DequeuedJob]:
    """The answer of dequeue.lua."""
    for local_id, packed, body in zip(found[::3], found[1::3], found[2::3], strict=True):
        job = _decode(packed)
        yield DequeuedJob(
            str(JobDescriptor(queue, shard, job.priority, int(local_id))),
            body,
            PinLaterDequeueMetadata(job.attempts_allowed, job.attempts_remaining, claim),
            job.run_after_ms,
        )


def info(local_id: int, packed: bytes, body: bytes | None, queue: str, shard: str) -> PinLaterJobInfo:
    """A job in the answers of lookup.lua and scan.lua."""
    job = _decode(packed)
    return PinLaterJobInfo(
        jobDescriptor=str(JobDescriptor(queue, shard, job.priority, local_id)),
        jobState=job.state,
        attemptsRemaining=job.attempts_remaining,
        customStatus=job.custom_status,
        createdAtTimestampMillis=job.created_ms,
        runAfterTimestampMillis=job.run_after_ms,
        updatedAtTimestampMillis=job.updated_ms,
        claimDescriptor=job.claim or None,
        body=body,
        attemptsAllowed=job.attempts_allowed,
    )


def scanned(found: Sequence[bytes], queue: str, shard: str) -> Iterator[ScannedJob]:
    """The answer of scan.lua."""
    for name, due, packed, body in zip(found[::4], found[1::4], found[2::4], found[3::4], strict=True):
        local_id = int(name)
        yield ScannedJob(Position(int(due), local_id), info(local_id, packed, body, queue, shard))
