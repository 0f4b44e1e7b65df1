"""Descriptors, continuations, and the table between PinLater's exception and our errors."""

from __future__ import annotations

import pytest

from pinlater.backends import LAST_MS, Position, Span
from pinlater.descriptors import JobDescriptor, parse
from pinlater.errors import from_pinlater, refusal, to_pinlater
from pinlater.search import Continuation, continuation, going_on, span_of
from tests.support.pinlater_caller import FAILED, PENDING, refused_with
from thrift_idl.errors import AragogError, BackendDown, DiskFull, InternalError, InvalidRequest, NotFound, Overloaded
from thrift_idl.gen.pinlater.ttypes import ErrorCode


def test_a_job_descriptor_is_read_as_it_is_written() -> None:
    job = JobDescriptor("crawl_1", "2", 3, 42)
    assert str(job) == "crawl_1:s2:p3:42"
    assert parse(str(job)) == job


@pytest.mark.parametrize(
    "bad", ["", "q:1:p1:1", "q:s1:p1:-1", "q:s1:p1:1 ", "q:s1:p1:١", "q:s1:p1:" + "9" * 20, "é:s1:p1:1"]
)
def test_what_is_no_job_descriptor_is_refused(bad: str) -> None:
    with refused_with(ErrorCode.UNKNOWN):
        parse(bad)


def test_a_continuation_is_read_as_it_is_written() -> None:
    after = Continuation(Position(1_794_000_000_000, 7), "2")
    assert continuation(str(after)) == after
    assert continuation("0") is None


def test_a_scan_goes_on_behind_its_last_job_on_every_shard() -> None:
    span, after = Span(PENDING, (1,)), Continuation(Position(50, 7), "2")
    assert [going_on(span, after, shard).before for shard in "123"] == [(51, 0), (50, 7), (50, 0)]


def test_only_pending_jobs_are_in_the_future() -> None:
    assert span_of(PENDING, (1,), False, 100).before == (101, 0)
    assert span_of(PENDING, (1,), True, 100).after_ms == 100
    assert span_of(FAILED, (1,), False, 100) == Span(FAILED, (1,))
    assert span_of(FAILED, (1,), True, 100).after_ms == LAST_MS


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DiskFull("full"), ErrorCode.ENQUEUE_REJECTED),
        (BackendDown("down"), ErrorCode.SHARD_CONNECTION_FAILED),
        (InvalidRequest("bad"), ErrorCode.UNKNOWN),
    ],
)
def test_an_error_of_ours_becomes_pinlaters_and_keeps_its_words(error: AragogError, code: int) -> None:
    told = to_pinlater(error)
    assert (told.errorCode, told.message) == (code, str(error))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCode.QUEUE_NOT_FOUND, NotFound),
        (ErrorCode.PRIORITY_NOT_SUPPORTED, InvalidRequest),
        (ErrorCode.DEQUEUE_RATE_LIMITED, Overloaded),
        (ErrorCode.NO_HEALTHY_SHARDS, BackendDown),
        (ErrorCode.UNKNOWN, InternalError),
        (999, InternalError),
    ],
)
def test_pinlaters_exception_is_an_error_of_ours_to_our_own_callers(code: int, kind: type[AragogError]) -> None:
    error = from_pinlater(refusal(code, "what happened"))
    assert type(error) is kind and error.message == "what happened"


def test_every_code_of_the_contract_has_a_place_in_the_table() -> None:
    known = {code for code in ErrorCode._VALUES_TO_NAMES if code != ErrorCode.UNKNOWN}
    assert all(type(from_pinlater(refusal(code, ""))) is not InternalError for code in known)
