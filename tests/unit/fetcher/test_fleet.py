"""Several fetchers as one, and many fetches at once."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from fetcher.batch import fetch_batch
from fetcher.fleet import FetcherFleet
from runtime.clock import Clock
from thrift_idl.errors import BackendDown, BadConfiguration, HttpStatus
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import ExplainRequest, Explanation, FetchRequest, FetchResult, Hop

CONTEXT = Context("test")


def request(url: str, **fields) -> FetchRequest:
    return FetchRequest(CONTEXT, url, **fields)


def result(url: str) -> FetchResult:
    return FetchResult(url, 200, (), b"", (), "text/html", began_ms=0, latency_ms=0.0)  # type: ignore[call-arg]  # stubs have keywords only


@dataclass
class Member:
    """A fetcher that answers at once, or is as dead as `failure` says."""

    failure: BackendDown | None = None
    asked: list[str] = field(default_factory=list)

    async def fetch(self, request: FetchRequest) -> FetchResult:
        return self._answer(request.url, result(request.url))

    async def explain(self, request: ExplainRequest) -> Explanation:
        return self._answer(request.url, Explanation(url=request.url))

    def _answer(self, url, answer):
        self.asked.append(url)
        if self.failure:
            raise self.failure
        return answer


def members(count: int = 3) -> dict[str, Member]:
    return {f"10.0.0.{number}:9101": Member() for number in range(count)}


async def test_an_origin_has_one_fetcher_and_origins_spread() -> None:
    fleet = FetcherFleet(given := members())
    for number in range(60):
        for path in ("/", "/b?c"):
            await fleet.fetch(request(f"http://h{number}.test{path}"))
        await fleet.explain(ExplainRequest(CONTEXT, f"http://h{number}.test/x"))
    origins = [{url.split("/")[2] for url in member.asked} for member in given.values()]
    assert sum(map(len, origins)) == 60 and all(len(each) > 8 for each in origins)


async def test_a_resumed_fetch_belongs_to_the_origin_where_it_goes_on() -> None:
    fleet = FetcherFleet(given := members())
    await fleet.fetch(request("http://b.test/"))
    owner = next(member for member in given.values() if member.asked)
    for number in range(9):
        hop = Hop(f"http://short{number}.test/", 302, "http://b.test/x")
        await fleet.fetch(request(hop.url, resume=(hop,)))
    assert len(owner.asked) == 10


async def test_one_that_cannot_be_reached_is_passed_over_and_left_alone_for_a_while() -> None:
    now = [0.0]
    given = members()
    fleet = FetcherFleet(given, Clock(now_ms=lambda: now[0]))
    await fleet.fetch(request("http://a.test/"))
    address, owner = next((address, member) for address, member in given.items() if member.asked)
    owner.failure = BackendDown("gone", address=address)
    for _ in range(5):
        assert (await fleet.fetch(request("http://a.test/"))).status == 200
    assert len(owner.asked) == 2
    owner.failure, now[0] = None, 5_001.0
    await fleet.fetch(request("http://a.test/"))
    assert len(owner.asked) == 3, "its origins come back to it"


async def test_what_is_down_behind_a_fetcher_is_no_reason_to_ask_another() -> None:
    given = members()
    for member in given.values():
        member.failure = BackendDown("the limiter is down")
    with pytest.raises(BackendDown):
        await FetcherFleet(given).fetch(request("http://a.test/"))
    assert sum(len(member.asked) for member in given.values()) == 1


async def test_with_nobody_to_be_reached_the_last_error_is_raised() -> None:
    given = members()
    for address, member in given.items():
        member.failure = BackendDown("gone", address=address)
    with pytest.raises(BackendDown, match="gone"):
        await FetcherFleet(given).fetch(request("http://a.test/"))
    assert all(len(member.asked) == 1 for member in given.values())


def test_a_fleet_has_members() -> None:
    with pytest.raises(BadConfiguration):
        FetcherFleet({})


class Gated(Member):
    """Answers a URL when its gate is opened; `refuse` in it is an outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: dict[str, asyncio.Event] = {}
        self.under_way = self.most = 0

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gates.setdefault(request.url, asyncio.Event()).wait()
        finally:
            self.under_way -= 1
        if "refuse" in request.url:
            raise HttpStatus("no")
        return result(request.url)


async def test_results_come_as_they_end_and_outcomes_among_them() -> None:
    fetcher = Gated()
    urls = ["slow", "refuse", "quick"]
    async with aclosing(fetch_batch(fetcher, [request(url) for url in urls])) as batch:  # type: ignore[type-var]  # a test's business
        for url in ("quick", "refuse", "slow"):
            fetcher.gates.setdefault(url, asyncio.Event()).set()
            ended = await anext(batch)
            assert ended.request.url == url
            assert isinstance(ended.error, HttpStatus) if url == "refuse" else ended.result is not None
        with pytest.raises(StopAsyncIteration):
            await anext(batch)


async def test_so_many_at_once_and_the_requests_are_taken_as_there_is_room() -> None:
    fetcher, taken = Gated(), []  # type: ignore[var-annotated]  # a test's business

    def endless():
        while True:
            taken.append(f"u{len(taken)}")
            fetcher.gates[taken[-1]] = asyncio.Event()
            fetcher.gates[taken[-1]].set()
            yield request(taken[-1])

    async with aclosing(fetch_batch(fetcher, endless(), at_once=4)) as batch:  # type: ignore[type-var]  # a test's business
        for _ in range(20):
            await anext(batch)
    assert fetcher.most <= 4 and len(taken) <= 28


async def test_leaving_a_batch_cancels_what_is_under_way() -> None:
    fetcher = Gated()
    fetcher.gates["quick"] = asyncio.Event()
    fetcher.gates["quick"].set()
    async with aclosing(fetch_batch(fetcher, [request(url) for url in ("a", "b", "quick")])) as batch:  # type: ignore[type-var]  # a test's business
        await anext(batch)
        assert fetcher.under_way == 2
    assert fetcher.under_way == 0
