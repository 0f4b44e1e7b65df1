"""The outcome of a visit, as it is stored with its URL: the one place that makes `Outcome` records. Pure."""

from __future__ import annotations

from typing import Final

from thrift_idl.errors import AragogError, BadConfiguration, InternalError, StoreUnreadable
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.urlstore.ttypes import Outcome

FAULTS: Final = (InternalError.code, BadConfiguration.code, StoreUnreadable.code)
"""The codes of the outcomes of our own errors."""
_FETCHED: Final = "fetched"
_MAX_TEXT: Final = 1_000  # characters of each text of an outcome: a server may have written it
_FIELDS: Final = ("url", "status")  # details of an error that an outcome has as fields, or not at all


def fetched_outcome(fetched: FetchResult) -> Outcome:
    """The outcome of a visit that got a page."""
    return Outcome(family=_FETCHED, code="fetched", at_ms=fetched.began_ms, status=fetched.status)


def unchanged_outcome(fetched: FetchResult) -> Outcome:
    """The outcome of a visit that got a 304."""
    return Outcome(family=_FETCHED, code="unchanged", at_ms=fetched.began_ms, status=fetched.status)


def redirected_outcome(status: int, at_ms: int) -> Outcome:
    """The outcome of a URL that is an alias: the visit continued at its target."""
    return Outcome(family=_FETCHED, code="redirected", at_ms=at_ms, status=status)


def error_outcome(error: AragogError, at_ms: int, status: int | None = None) -> Outcome:
    """The outcome of a URL whose fetch raised `error`. `status` is that of its answer; None = as the error says."""
    return Outcome(
        family=error.family,
        code=error.code,
        message=_bounded(error.message),
        at_ms=at_ms,
        status=int(error.details.get("status", 0)) if status is None else status,
        delay_ms=error.delay_ms,
        details={key: _bounded(value) for key, value in error.details.items() if key not in _FIELDS},
    )


def fault_outcome(error: Exception, request_id: str, at_ms: int) -> Outcome:
    """The outcome of a URL whose visit an error of ours ended; the log has that error under the request id."""
    code = error.code if isinstance(error, BadConfiguration | StoreUnreadable) else InternalError.code
    told = str(error) if isinstance(error, AragogError) else f"{type(error).__name__}: {error}"
    details = {"request_id": request_id}
    return Outcome(family=InternalError.family, code=code, message=_bounded(told), at_ms=at_ms, details=details)


def damaged_row_outcome(error: StoreUnreadable, at_ms: int) -> Outcome:
    """The outcome that a store tells of a row that it can't read."""
    return Outcome(family=InternalError.family, code=error.code, message=error.message, at_ms=at_ms)


def _bounded(text: str) -> str:
    """`text` in an outcome's form: bounded, and without lone surrogates, which no store can write."""
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode()
