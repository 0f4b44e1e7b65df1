"""Conversion between SQLite's rows and the values of the seam."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from pinlater.backends import LAST_MS, PAGE_BYTES, AckOf, CheckpointOf, DequeuedJob, Position, ScannedJob, Span
from pinlater.descriptors import JobDescriptor
from pinlater.errors import queue_not_found
from thrift_idl.gen.pinlater.ttypes import PinLaterDequeueMetadata, PinLaterJob, PinLaterJobInfo

Parameters = dict[str, Any]


def find_queue(db: sqlite3.Connection, queue: str) -> int | None:
    """The queue's number, if it exists."""
    row = db.execute("SELECT id FROM queue WHERE name = ?", (queue,)).fetchone()
    return None if row is None else int(row[0])


def queue_number(db: sqlite3.Connection, queue: str) -> int:
    """The queue's number. Raises QUEUE_NOT_FOUND."""
    number = find_queue(db, queue)
    if number is None:
        raise queue_not_found(queue)
    return number


def fitting(rows: Iterable[sqlite3.Row]) -> Iterator[sqlite3.Row]:
    """The first rows with no more than `PAGE_BYTES` of bodies in total, and at least one."""
    size = 0
    for row in rows:
        size += len(row["body"])
        if size > PAGE_BYTES and size > len(row["body"]):
            return
        yield row


def new_job(job: PinLaterJob, now_ms: int) -> Parameters:
    """The parameters of enqueue.sql; an absent run_after is now."""
    return {
        "priority": job.priority,
        "run_after_ms": now_ms if job.runAfterTimestampMillis is None else job.runAfterTimestampMillis,
        "now_ms": now_ms,
        "attempts": job.numAttemptsAllowed,
        "status": job.customStatus,
        "body": job.body,
    }


def ack(of: AckOf, now_ms: int) -> Parameters:
    """The parameters of succeed.sql and spend_attempt.sql."""
    local_id, info = of
    return {
        "id": local_id,
        "claim": info.claimDescriptor,
        "status": info.appendCustomStatus,
        "now_ms": now_ms,
        "run_after_ms": min(now_ms + info.retryDelayMillis, LAST_MS),
    }


def lost_claim(local_id: int, now_ms: int) -> Parameters:
    """The parameters of spend_attempt.sql for a lost claim: the job is due now, after those that wait already."""
    return {"id": local_id, "claim": None, "status": "", "now_ms": now_ms, "run_after_ms": now_ms}


def checkpoint(of: CheckpointOf, source: str, now_ms: int) -> Parameters:
    """The parameters of checkpoint.sql; an absent run_after is now, which extends the claim."""
    local_id, request = of
    return {
        "id": local_id,
        "claim": request.claimDescriptor,
        "source": source,
        "to_pending": request.moveToPending,
        "run_after_ms": now_ms if request.runAfterTimestampMillis is None else request.runAfterTimestampMillis,
        "now_ms": now_ms,
        "attempts": request.numOfAttemptsAllowed,
        "status": request.prependCustomStatus or "",
        "body": None if request.newBody is None else request.newBody.encode(),
    }


def span(wanted: Span) -> Parameters:
    """The parameters of scan.sql and count.sql."""
    return {
        "state": wanted.state,
        "after_ms": wanted.after_ms,
        "before_ms": wanted.before.due_ms,
        "before_id": wanted.before.local_id,
    }


def dequeued(row: sqlite3.Row, queue: str, shard: str, claim: str | None) -> DequeuedJob:
    """A row of ready.sql."""
    return DequeuedJob(
        str(JobDescriptor(queue, shard, row["priority"], row["id"])),
        row["body"],
        PinLaterDequeueMetadata(row["attempts_allowed"], row["attempts_remaining"], claim),
        row["run_after_ms"],
    )


def info(row: sqlite3.Row, queue: str, shard: str, *, with_body: bool) -> PinLaterJobInfo:
    """A row of scan.sql or lookup.sql."""
    return PinLaterJobInfo(
        jobDescriptor=str(JobDescriptor(queue, shard, row["priority"], row["id"])),
        jobState=row["state"],
        attemptsRemaining=row["attempts_remaining"],
        customStatus=row["custom_status"],
        createdAtTimestampMillis=row["created_ms"],
        runAfterTimestampMillis=row["run_after_ms"],
        updatedAtTimestampMillis=row["updated_ms"],
        claimDescriptor=row["claim"],
        body=row["body"] if with_body else None,
        attemptsAllowed=row["attempts_allowed"],
    )


def scanned(row: sqlite3.Row, queue: str, shard: str) -> ScannedJob:
    """A row of scan.sql."""
    return ScannedJob(Position(row["due_ms"], row["id"]), info(row, queue, shard, with_body=True))
