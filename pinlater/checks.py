"""Checks of callers' requests: refused, or brought into bounds, before any change. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

from pinlater.backends import LAST_MS, STATUS_CHARACTERS
from pinlater.descriptors import JobDescriptor, parse
from pinlater.errors import refusal
from pinlater.settings import ServiceSettings
from thrift_idl.gen.pinlater.ttypes import (
    ErrorCode,
    PinLaterCheckpointJobRequest,
    PinLaterJob,
    PinLaterJobAckInfo,
    PinLaterJobState,
    RequestContext,
)
from thrift_idl.records import replace

_NAME = re.compile(r"\w+", re.ASCII)
_NAME_CHARACTERS = 64
_SOURCE_CHARACTERS = 200
_ATTEMPTS = 2**31 - 1
_STATES = frozenset(PinLaterJobState._VALUES_TO_NAMES)


def queue_name(name: str) -> str:
    """`name`, if it is valid. Raises QUEUE_NAME_TOO_LONG, QUEUE_NAME_INVALID."""
    if len(name) > _NAME_CHARACTERS:
        text = f"a queue's name has at most {_NAME_CHARACTERS} characters, not {len(name)}"
        raise refusal(ErrorCode.QUEUE_NAME_TOO_LONG, text)
    if not _NAME.fullmatch(name):
        raise refusal(ErrorCode.QUEUE_NAME_INVALID, f"queue name {name!r}: letters, digits and _ of ASCII only")
    return name


def password(given: str, settings: ServiceSettings) -> None:
    """Raises PASSWORD_INVALID unless it has the configured hash."""
    digest = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    if not hmac.compare_digest(digest, settings.admin_hash.lower()):
        raise refusal(ErrorCode.PASSWORD_INVALID, "password: not the administrator's")


def source(context: RequestContext) -> str:
    """The caller's name."""
    if len(context.source) > _SOURCE_CHARACTERS or "\0" in context.source:
        raise refusal(ErrorCode.UNKNOWN, f"context.source: at most {_SOURCE_CHARACTERS} characters, none of them NUL")
    return _encodable("context.source", context.source)


def priority(number: int, settings: ServiceSettings) -> int:
    """`number`, if it is a priority. Raises PRIORITY_NOT_SUPPORTED."""
    if not 1 <= number <= settings.priorities:
        text = f"priority: 1 to {settings.priorities}, not {number}"
        raise refusal(ErrorCode.PRIORITY_NOT_SUPPORTED, text)
    return number


def priorities(number: int | None, settings: ServiceSettings) -> tuple[int, ...]:
    """That priority, or all of them if none is named."""
    return tuple(range(1, settings.priorities + 1)) if number is None else (priority(number, settings),)


def state(number: int) -> int:
    """`number`, if it is a state of a job."""
    if number not in _STATES:
        raise refusal(ErrorCode.UNKNOWN, f"jobState: there is no state {number}")
    return number


def limit(number: int, most: int) -> int:
    """`number` within bounds; upstream passed a limit of 0 to its database."""
    if number < 1:
        raise refusal(ErrorCode.UNKNOWN, f"limit: at least 1, not {number}")
    return min(number, most)


def attempts(name: str, number: int) -> int:
    """`number`, if it is an allowed number of attempts."""
    if not 1 <= number <= _ATTEMPTS:
        raise refusal(ErrorCode.UNKNOWN, f"{name}: at least 1, not {number}")
    return number


def time_ms(timestamp_ms: int) -> int:
    """A caller's time, brought between the epoch and the last possible time."""
    return min(max(timestamp_ms, 0), LAST_MS)


def jobs(new: Iterable[PinLaterJob], settings: ServiceSettings) -> list[PinLaterJob]:
    """The jobs in bounds; one that can't be stored refuses the batch before any of it is stored."""
    return [_job(job, settings) for job in new]


def _job(job: PinLaterJob, settings: ServiceSettings) -> PinLaterJob:
    priority(job.priority, settings)
    attempts("numAttemptsAllowed", job.numAttemptsAllowed)
    _body(len(job.body), settings)
    changes: dict[str, object] = {}
    run_after_ms = job.runAfterTimestampMillis
    if run_after_ms is not None and run_after_ms != time_ms(run_after_ms):
        changes["runAfterTimestampMillis"] = time_ms(run_after_ms)
    if job.customStatus:
        changes["customStatus"] = _status(job.customStatus)
    return replace(job, **changes) if changes else job


def acks(infos: Sequence[PinLaterJobAckInfo] | None, queue: str) -> list[tuple[JobDescriptor, PinLaterJobAckInfo]]:
    """The acks in bounds, each with its job, which must be of `queue`."""
    return [(_of_queue(info.jobDescriptor, queue), _ack(info)) for info in infos or ()]


def _ack(info: PinLaterJobAckInfo) -> PinLaterJobAckInfo:
    if not info.appendCustomStatus and 0 <= info.retryDelayMillis <= LAST_MS:
        return info
    delay_ms = time_ms(info.retryDelayMillis)
    return replace(info, appendCustomStatus=_status(info.appendCustomStatus), retryDelayMillis=delay_ms)


def checkpoints(
    requests: Sequence[PinLaterCheckpointJobRequest], queue: str, settings: ServiceSettings
) -> list[tuple[JobDescriptor, PinLaterCheckpointJobRequest]]:
    """The checkpoints in bounds, each with its job, which must be of `queue`."""
    return [(_of_queue(each.jobDescriptor, queue), _checkpoint(each, settings)) for each in requests]


def _checkpoint(request: PinLaterCheckpointJobRequest, settings: ServiceSettings) -> PinLaterCheckpointJobRequest:
    changes: dict[str, object] = {}
    if request.newBody is not None:
        _body(len(_encodable("newBody", request.newBody).encode()), settings)
    if request.numOfAttemptsAllowed is not None:
        attempts("numOfAttemptsAllowed", request.numOfAttemptsAllowed)
    if request.runAfterTimestampMillis is not None:
        changes["runAfterTimestampMillis"] = time_ms(request.runAfterTimestampMillis)
    if request.prependCustomStatus:
        changes["prependCustomStatus"] = _status(request.prependCustomStatus)
    return replace(request, **changes) if changes else request


def _of_queue(descriptor: str, queue: str) -> JobDescriptor:
    job = parse(descriptor)
    if job.queue != queue:
        raise refusal(ErrorCode.UNKNOWN, f"jobDescriptor: {descriptor!r} is no job of queue {queue!r}")
    return job


def _body(size: int, settings: ServiceSettings) -> None:
    if size > settings.body_bytes:
        raise refusal(ErrorCode.UNKNOWN, f"body: at most {settings.body_bytes} bytes, not {size}")


def _status(text: str) -> str:
    """A custom status cut to its bound. NUL ends a text in SQLite's functions, so it is replaced."""
    return text[:STATUS_CHARACTERS].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _encodable(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise refusal(ErrorCode.UNKNOWN, f"{name}: holds a lone surrogate, which UTF-8 can't say") from None
    return text
