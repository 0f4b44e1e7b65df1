"""The table between PinLater's exception and our error tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from thrift_idl.errors import (
    AragogError,
    BackendDown,
    DiskFull,
    InternalError,
    InvalidRequest,
    NotFound,
    Overloaded,
)
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterException

_ON_THE_WIRE: tuple[tuple[type[AragogError], int], ...] = (
    (DiskFull, ErrorCode.ENQUEUE_REJECTED),
    (BackendDown, ErrorCode.SHARD_CONNECTION_FAILED),
    (AragogError, ErrorCode.UNKNOWN),
)
_IN_OUR_TREE: dict[int, type[AragogError]] = {
    ErrorCode.CONTINUATION_INVALID: InvalidRequest,
    ErrorCode.PASSWORD_INVALID: InvalidRequest,
    ErrorCode.QUEUE_NAME_INVALID: InvalidRequest,
    ErrorCode.QUEUE_NAME_TOO_LONG: InvalidRequest,
    ErrorCode.PRIORITY_NOT_SUPPORTED: InvalidRequest,
    ErrorCode.QUEUE_NOT_FOUND: NotFound,
    ErrorCode.DEQUEUE_RATE_LIMITED: Overloaded,
    ErrorCode.ENQUEUE_REJECTED: BackendDown,
    ErrorCode.NO_HEALTHY_SHARDS: BackendDown,
    ErrorCode.SHARD_CONNECTION_FAILED: BackendDown,
}


def refusal(code: int, message: str) -> PinLaterException:
    """The exception to raise; a mistake of the caller without a code in the contract is UNKNOWN."""
    return PinLaterException(code, message)


def queue_not_found(queue: str) -> PinLaterException:
    """No such queue."""
    return refusal(ErrorCode.QUEUE_NOT_FOUND, f"no queue {queue!r}: create it first")


def queue_paused(queue: str) -> PinLaterException:
    """The queue is paused."""
    return refusal(ErrorCode.DEQUEUE_RATE_LIMITED, f"queue {queue!r} is paused: ask once it is resumed")


def is_code(error: BaseException, code: int) -> bool:
    """True if this is PinLater's exception of that code."""
    return isinstance(error, PinLaterException) and error.errorCode == code


def none_healthy(errors: Mapping[str, BackendDown]) -> Exception:
    """The reason why no shard answered: a single shard's own error, or the lack of room if all have none."""
    known = list(errors.values())
    if len(known) == 1 or all(isinstance(error, DiskFull) for error in known):
        return known[0]
    return refusal(ErrorCode.NO_HEALTHY_SHARDS, "no shard answers: " + "; ".join(str(error) for error in known))


def some_missing(errors: Mapping[str, BackendDown], told: str) -> BackendDown:
    """The shards that are missing in a result; `told` describes the rest of it."""
    names, reasons = ", ".join(sorted(errors)), "; ".join(str(error) for error in errors.values())
    which = f"shard {names} doesn't answer" if len(errors) == 1 else f"shards {names} don't answer"
    kind = type(next(iter(errors.values()))) if len(errors) == 1 else BackendDown
    return kind(f"{which}{'; ' + told if told else ''} ({reasons})")


def to_pinlater(error: AragogError) -> PinLaterException:
    """The exception of PinLater's clients for an error of ours."""
    code = next(code for kind, code in _ON_THE_WIRE if isinstance(error, kind))
    return refusal(code, str(error))


def from_pinlater(error: PinLaterException) -> AragogError:
    """The error of our callers for PinLater's exception: `BackendDown` means stop, and try later."""
    kind = _IN_OUR_TREE.get(error.errorCode, InternalError)
    return kind(error.message, pinlater_code=str(error.errorCode))


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of our tree as PinLater's."""
    try:
        yield
    except AragogError as error:
        raise to_pinlater(error) from error


@contextmanager
def suppress_gone() -> Iterator[None]:
    """Skip a queue that was deleted meanwhile, in work over all queues."""
    try:
        yield
    except PinLaterException as error:
        if error.errorCode != ErrorCode.QUEUE_NOT_FOUND:
            raise
