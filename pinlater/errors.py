"""PinLater's exception and our error tree: the one table between them."""

from __future__ import annotations

from collections.abc import Iterator
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
    """The exception to raise; a mistake of the caller that the contract has no code for is UNKNOWN."""
    return PinLaterException(code, message)


def queue_not_found(queue: str) -> PinLaterException:
    """No such queue."""
    return refusal(ErrorCode.QUEUE_NOT_FOUND, f"no queue {queue!r}: create it first")


def to_pinlater(error: AragogError) -> PinLaterException:
    """What PinLater's clients get for an error of ours."""
    code = next(code for kind, code in _ON_THE_WIRE if isinstance(error, kind))
    return refusal(code, str(error))


def from_pinlater(error: PinLaterException) -> AragogError:
    """What PinLater's exception means to our own callers: `BackendDown` says stop, and try later."""
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
    """For work over all queues: one that was deleted meanwhile is passed over."""
    try:
        yield
    except PinLaterException as error:
        if error.errorCode != ErrorCode.QUEUE_NOT_FOUND:
            raise
