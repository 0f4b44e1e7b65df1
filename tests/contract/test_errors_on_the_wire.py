"""Every error of the tree, raised by a service, reaches its caller the same, by a direct call and through Thrift."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.rpc_endpoints import Limiter, calling, reserve, serving
from thrift_idl.errors import (
    AragogError,
    BackendDown,
    ConnectFailure,
    Deferred,
    InternalError,
    InvalidRequest,
    NoSlot,
    NotOwner,
    Refused,
    Unavailable,
    by_code,
)
from thrift_idl.gen.context.ttypes import Failure
from thrift_idl.gen.fetcher.ttypes import Hop
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterException, RequestContext
from thrift_idl.redirect_chain import chain_of
from thrift_idl.rpc import Channel
from thrift_idl.rpc.failures import to_failure

CLASSES = [cls for cls in by_code().values() if cls is not AragogError]
FACTS = {"url": "http://example.org/ü?a=1", "status": "429", "empty": ""}
WALKED = (Hop("http://a.example/", 301, "http://example.org/ü?a=1", "http", "192.0.2.1", 1.5, 1_700_000_000_000, 0.25),)


class Raising(Limiter):
    """Raises what it was given, from the first step or after a wait."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    async def reserve(self, request: Any) -> Any:
        raise self._error

    async def block(self, request: Any) -> None:
        await self.feedback(request)
        raise self._error


class RaisingPinLater:
    """As `Raising`, behind PinLater's own IDL, whose methods declare another exception."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._raise

    async def _raise(self, *values: object) -> None:
        raise self._error


def instances(cls: type[AragogError]) -> list[AragogError]:
    if issubclass(cls, Deferred):
        return [
            cls("wait", delay_ms=0),
            cls("nothing walked", delay_ms=1, chain=()),
            cls("wait for it", delay_ms=86_400_000, chain=WALKED, **FACTS),
        ]
    return [cls(), cls("plain"), cls("with 蜘蛛 and all", delay_ms=2**40, chain=WALKED, **FACTS)]


def facts(error: BaseException) -> tuple[Any, ...]:
    assert isinstance(error, AragogError)
    told = (error.message, error.delay_ms, error.details, error.chain, str(error), repr(error))
    return type(error), error.family, error.code, *told


async def raised(call: Any) -> AragogError:
    with pytest.raises(AragogError) as caught:
        await call
    return caught.value


async def through_thrift(error: BaseException, method: str = "reserve") -> AragogError:
    async with serving(Raising(error)) as (_, port), calling(port) as client:
        return await raised(getattr(client, method)(reserve()))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.code)
async def test_a_direct_call_and_an_rpc_raise_equal_errors(cls: type[AragogError]) -> None:
    for error in instances(cls):
        direct = await raised(Raising(error).reserve(reserve()))
        assert facts(await through_thrift(error)) == facts(direct)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.code)
async def test_errors_of_methods_that_declare_another_exception_arrive_the_same(cls: type[AragogError]) -> None:
    for error in instances(cls):
        async with serving(RaisingPinLater(error), protocol=PinLater) as (_, port):
            channel = Channel(f"127.0.0.1:{port}")
            assert facts(await raised(channel.client(PinLater).getQueueNames(RequestContext("t")))) == facts(error)
            await channel.close()


async def test_an_error_raised_after_a_wait_arrives_the_same() -> None:
    from thrift_idl.gen.context.ttypes import Context
    from thrift_idl.gen.ratelimiter.ttypes import BlockRequest

    error = NoSlot("later", delay_ms=7, domain="example.org")
    async with serving(Raising(error)) as (_, port), calling(port) as client:
        assert facts(await raised(client.block(BlockRequest(Context("t"), "d", 1)))) == facts(error)


FAMILIES: list[Any] = [Refused, Deferred, Unavailable, BackendDown, InvalidRequest, NotOwner, InternalError]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda cls: cls.family)
async def test_an_unknown_code_becomes_its_family_and_keeps_its_fields(family: type[AragogError]) -> None:
    sent = Failure(family.family, "made_next_year", "new", 9, {"a": "b"})
    error = await through_thrift(sent)
    assert type(error) is family
    assert (error.code, error.message, error.delay_ms, error.details) == ("made_next_year", "new", 9, {"a": "b"})


async def test_on_the_wire_the_chain_is_json_among_the_details_as_callers_of_old_read_it() -> None:
    hops = (Hop("http://a.example/", 301, "http://b.example/"), Hop("http://b.example/", 302, "http://c.example/"))
    wire = to_failure(NoSlot("later", delay_ms=7, chain=hops, url="http://c.example/"))
    assert json.loads(wire.details["chain"]) == [
        {"url": url, "status": status, "target": target, "kind": "http", "peer": ""}
        | {"latency_ms": 0, "began_ms": 0, "waited_ms": 0}
        for url, status, target in (
            ("http://a.example/", 301, "http://b.example/"),
            ("http://b.example/", 302, "http://c.example/"),
        )
    ]
    assert to_failure(NoSlot("later", delay_ms=7, chain=())).details == {"chain": "[]"}
    assert to_failure(NoSlot("later", delay_ms=7)).details == {}


async def test_a_chain_that_a_server_of_old_sent_becomes_the_errors_field() -> None:
    text = '[{"url":"http://a.example/","status":301,"target":"http://b.example/","kind":"meta","new_field":1}]'
    error = await through_thrift(
        Failure("deferred", "no_slot", "later", 9, {"url": "http://b.example/", "chain": text})
    )
    assert chain_of(error) == (Hop("http://a.example/", 301, "http://b.example/", "meta"),)
    assert error.details == {"url": "http://b.example/"}


async def test_a_chain_that_is_none_is_an_invalid_request() -> None:
    error = await through_thrift(Failure("deferred", "no_slot", "later", 9, {"chain": '[{"url":"http://a.example/"}]'}))
    assert isinstance(error, InvalidRequest)
    assert "no redirect chain" in error.message


async def test_an_unknown_family_becomes_an_internal_error() -> None:
    error = await through_thrift(Failure("martian", "no_slot", "?"))
    assert type(error) is InternalError
    assert error.code == "no_slot"


async def test_a_code_of_another_family_does_not_lend_its_class() -> None:
    error = await through_thrift(Failure("refused", "no_slot", "?"))
    assert type(error) is Refused


async def test_a_deferral_without_a_delay_is_a_deferral_still() -> None:
    error = await through_thrift(Failure("deferred", "no_slot", "?"))
    assert type(error) is NoSlot
    assert error.delay_ms == 0


async def test_pinlaters_own_exception_passes_through_as_declared() -> None:
    sent = PinLaterException(ErrorCode.QUEUE_NOT_FOUND, "no queue crawl")
    async with serving(RaisingPinLater(sent), protocol=PinLater) as (_, port):
        channel = Channel(f"127.0.0.1:{port}")
        with pytest.raises(PinLaterException) as caught:
            await channel.client(PinLater).createQueue(RequestContext("t"), "crawl")
        assert caught.value == sent
        await channel.close()


async def test_an_error_too_long_for_a_frame_still_says_what_it_was() -> None:
    error = await through_thrift(InvalidRequest("x", big="y" * 17_000_000))
    assert isinstance(error, InternalError)
    assert "a frame holds" in error.message


async def test_an_error_whose_details_are_no_text_is_an_internal_error_not_a_broken_connection() -> None:
    wrong = InvalidRequest("x")
    wrong.details = {"number": 5}  # type: ignore[dict-item]
    assert isinstance(await through_thrift(wrong), InternalError)


async def test_an_error_without_a_code_of_its_own_arrives_as_the_one_that_it_stands_for() -> None:
    from fetcher.transport.connection import StaleConnection

    arrived = await through_thrift(StaleConnection("gone"))
    assert type(arrived) is ConnectFailure
    assert type(await through_thrift(ConnectFailure("refused"))) is ConnectFailure
