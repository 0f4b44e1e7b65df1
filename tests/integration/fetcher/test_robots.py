"""robots.txt over the wire: which answer means what (RFC 9309 2.3.1), how long it is remembered, who shares it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from fetcher.robots.cache import MemoryRobotsCache
from fetcher.settings import FetchPolicy, RobotsSettings, TransportSettings
from fetcher.telemetry import SilentFetcherTelemetry
from runtime.clock import Clock
from runtime.durations import DAY_MS
from tests.support.loopback_fetcher import asked, fetching
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import NOT_FOUND, origin, redirect, reply
from thrift_idl.errors import (
    BackendDown,
    ConnectFailure,
    NoSlot,
    RetryAfter,
    RobotsDenied,
    RobotsUnavailable,
)
from thrift_idl.gen.ratelimiter.ttypes import Grant

PAGE = reply(200, b"<p>")
DENY = reply(200, b"User-agent: *\nDisallow: /")
ALLOW = reply(200, b"User-agent: *\nDisallow: /private")
MINUTE = 60_000


@dataclass
class Wall:
    """A wall clock that moves when told to."""

    at_ms: int = 1_800_000_000_000

    def clock(self) -> Clock:
        return Clock(wall_ms=lambda: self.at_ms)


def robots_asked(web) -> int:
    return sum(seen.target == "/robots.txt" for seen in web.seen)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_4xx_allows_all_and_is_kept_like_a_file(status) -> None:
    async with origin({"/robots.txt": reply(status), "/": PAGE}) as web, fetching(web.port) as (fetcher, _):
        for _ in range(2):
            await fetcher.fetch(asked(web.url("/")))
        assert robots_asked(web) == 1


async def test_429_holds_the_domain_and_defers() -> None:
    limiter = OpenLimiter()
    replies = {"/robots.txt": reply(429, b"", "Retry-After: 90"), "/": PAGE}
    async with origin(replies) as web, fetching(web.port, limiter) as (fetcher, _):
        with pytest.raises(RetryAfter) as caught:
            await fetcher.fetch(asked(web.url("/")))
    assert 89_000 < caught.value.delay_ms <= 90_000
    assert "status" not in caught.value.details, "the page itself was not answered"
    assert (limiter.told[0].status, limiter.told[0].retry_after_ms) == (429, 90_000)
    assert web.targets() == []


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_5xx_defers_and_is_remembered_for_minutes(status) -> None:
    wall = Wall()
    replies = {"/robots.txt": [reply(status), ALLOW], "/": PAGE}
    async with origin(replies) as web, fetching(web.port, clock=wall.clock()) as (fetcher, _):
        for _ in range(3):
            with pytest.raises(RobotsUnavailable) as caught:
                await fetcher.fetch(asked(web.url("/")))
            assert 0 < caught.value.delay_ms <= 5 * MINUTE
        assert [seen.target for seen in web.seen] == ["/robots.txt"]
        wall.at_ms += 5 * MINUTE
        await fetcher.fetch(asked(web.url("/")))
    assert web.targets() == ["/"]


async def test_a_stall_defers_as_5xx_does() -> None:
    async def silence(reader, writer) -> None:
        await asyncio.sleep(3600)

    settings = FetchPolicy(transport=TransportSettings(first_byte_ms=50))
    async with (
        origin({"/robots.txt": silence, "/": PAGE}) as web,
        fetching(web.port, settings=settings) as (fetcher, _),
    ):
        with pytest.raises(RobotsUnavailable, match="stalled"):
            await fetcher.fetch(asked(web.url("/")))


async def test_what_does_not_connect_is_unavailable_and_remembered_too() -> None:
    async with origin({}) as web:
        port = web.port
    limiter = OpenLimiter()
    async with fetching(port, limiter) as (fetcher, _):
        for _ in range(2):
            with pytest.raises(ConnectFailure):
                await fetcher.fetch(asked(f"http://127.0.0.1:{port}/"))
    assert limiter.reserved == [], "no connection, so no slot was spent"


async def test_five_redirects_are_followed_and_rules_bind_the_first_authority() -> None:
    replies = {f"/{n}": redirect(f"/{n + 1}") for n in range(1, 5)}
    replies |= {"/robots.txt": redirect("/1"), "/5": DENY, "b.test /robots.txt": NOT_FOUND, "b.test /": PAGE}
    limiter = OpenLimiter()
    async with origin(replies) as web, fetching(web.port, limiter) as (fetcher, _):
        with pytest.raises(RobotsDenied):
            await fetcher.fetch(asked(web.url("/", "a.test")))
        await fetcher.fetch(asked(web.url("/", "b.test")))
    assert len(limiter.reserved) == len(web.seen), "every hop took a reservation"


async def test_robots_redirected_to_another_host_still_bind_the_first() -> None:
    async with origin({}) as web, fetching(web.port) as (fetcher, _):
        web.replies |= {"a.test /robots.txt": redirect(web.url("/r", "b.test")), "b.test /r": DENY}
        with pytest.raises(RobotsDenied):
            await fetcher.fetch(asked(web.url("/", "a.test")))
    assert [(seen.host, seen.target) for seen in web.seen] == [("a.test", "/robots.txt"), ("b.test", "/r")]


@pytest.mark.parametrize(
    "replies",
    [
        {f"/{n}": redirect(f"/{n + 1}") for n in range(1, 9)} | {"/robots.txt": redirect("/1"), "/9": DENY},
        {"/robots.txt": redirect("/robots.txt")},
        {"/robots.txt": redirect("http://10.1.2.3/robots.txt")},
        {"/robots.txt": redirect("ftp://a.test/")},
    ],
    ids=["too many", "a loop", "a private address", "another scheme"],
)
async def test_redirects_that_lead_nowhere_mean_no_robots(replies) -> None:
    async with origin(replies | {"/": PAGE}) as web, fetching(web.port) as (fetcher, _):
        assert (await fetcher.fetch(asked(web.url("/")))).status == 200
    assert robots_asked(web) <= 6


async def test_a_copy_decides_for_seven_days_then_is_fetched_anew() -> None:
    wall = Wall()
    replies = {"/robots.txt": [ALLOW, DENY], "/": PAGE}
    async with origin(replies) as web, fetching(web.port, clock=wall.clock()) as (fetcher, _):
        await fetcher.fetch(asked(web.url("/")))
        wall.at_ms += 7 * DAY_MS - 1
        await fetcher.fetch(asked(web.url("/")))
        wall.at_ms += 1
        with pytest.raises(RobotsDenied):
            await fetcher.fetch(asked(web.url("/")))
    assert robots_asked(web) == 2


async def test_a_stale_copy_stays_in_force_while_the_origin_fails() -> None:
    wall = Wall()
    replies = {"/robots.txt": [ALLOW, reply(503)], "/": PAGE}
    async with origin(replies) as web, fetching(web.port, clock=wall.clock()) as (fetcher, _):
        await fetcher.fetch(asked(web.url("/")))
        wall.at_ms += 8 * DAY_MS
        assert (await fetcher.fetch(asked(web.url("/")))).status == 200
        with pytest.raises(RobotsDenied):
            await fetcher.fetch(asked(web.url("/private")))
        assert robots_asked(web) == 2, "the failure is remembered, the copy stands in"
        wall.at_ms += 31 * DAY_MS
        with pytest.raises(RobotsUnavailable):
            await fetcher.fetch(asked(web.url("/")))


VALIDATORS = ('ETag: "v1"', "Last-Modified: Mon, 02 Nov 2026 10:00:00 GMT")
NOT_MODIFIED = b"HTTP/1.1 304 x\r\n\r\n"


async def test_a_copy_that_grew_old_is_asked_about_and_304_renews_it_for_seven_days() -> None:
    wall = Wall()
    denied = reply(200, b"User-agent: *\nDisallow: /private", *VALIDATORS)
    replies = {"/robots.txt": [denied, NOT_MODIFIED, reply(500)], "/": PAGE}
    async with origin(replies) as web, fetching(web.port, clock=wall.clock()) as (fetcher, _):
        await fetcher.fetch(asked(web.url("/")))
        wall.at_ms += 8 * DAY_MS
        with pytest.raises(RobotsDenied):
            await fetcher.fetch(asked(web.url("/private")))
        wall.at_ms += 7 * DAY_MS - 1
        await fetcher.fetch(asked(web.url("/")))
        assert robots_asked(web) == 2, "renewed: it decides for another seven days"
        wall.at_ms += 1
        with pytest.raises(RobotsDenied):
            await fetcher.fetch(asked(web.url("/private")))
    first, second, third = (seen.headers for seen in web.seen if seen.target == "/robots.txt")
    assert "if-none-match" not in first
    for headers in (second, third):
        assert headers["if-none-match"] == '"v1"'
        assert headers["if-modified-since"] == "Mon, 02 Nov 2026 10:00:00 GMT"


async def test_validators_survive_in_the_shared_cache_and_a_failure() -> None:
    wall, cache = Wall(), MemoryRobotsCache()
    replies = {"/robots.txt": [reply(200, b"", *VALIDATORS), reply(503), NOT_MODIFIED], "/": PAGE}
    async with origin(replies) as web:
        for _ in range(3):
            async with fetching(web.port, cache=cache, clock=wall.clock()) as (fetcher, _):
                await fetcher.fetch(asked(web.url("/")))
            wall.at_ms += 8 * DAY_MS
    assert [seen.headers.get("if-none-match") for seen in web.seen if seen.target == "/robots.txt"] == [
        None,
        '"v1"',
        '"v1"',
    ]


async def test_validators_of_a_redirects_target_are_not_the_origins() -> None:
    wall = Wall()
    replies = {"/robots.txt": redirect("/elsewhere"), "/elsewhere": reply(200, b"", *VALIDATORS), "/": PAGE}
    async with origin(replies) as web, fetching(web.port, clock=wall.clock()) as (fetcher, _):
        for _ in range(2):
            await fetcher.fetch(asked(web.url("/")))
            wall.at_ms += 8 * DAY_MS
    assert not [seen for seen in web.seen if "if-none-match" in seen.headers]


async def test_a_304_that_nobody_asked_for_is_no_file() -> None:
    async with origin({"/robots.txt": NOT_MODIFIED, "/": PAGE}) as web, fetching(web.port) as (fetcher, _):
        assert (await fetcher.fetch(asked(web.url("/")))).robots.version == ""


async def test_max_age_is_a_setting() -> None:
    wall = Wall()
    settings = FetchPolicy(robots=RobotsSettings(max_age_ms=DAY_MS))
    replies = {"/robots.txt": ALLOW, "/": PAGE}
    async with origin(replies) as web, fetching(web.port, clock=wall.clock(), settings=settings) as (fetcher, _):
        for _ in range(3):
            await fetcher.fetch(asked(web.url("/")))
            wall.at_ms += DAY_MS
    assert robots_asked(web) == 3


async def test_fetchers_share_copies_through_the_cache() -> None:
    cache = MemoryRobotsCache()
    async with origin({"/robots.txt": DENY}) as web:
        for _ in range(2):
            async with fetching(web.port, cache=cache) as (fetcher, _):
                with pytest.raises(RobotsDenied):
                    await fetcher.fetch(asked(web.url("/")))
        assert robots_asked(web) == 1


async def test_concurrent_fetches_of_an_origin_share_one_request() -> None:
    async def slow(reader, writer) -> None:
        await asyncio.sleep(0.05)
        writer.write(ALLOW)

    async with origin({"/robots.txt": slow, "/": PAGE}) as web, fetching(web.port) as (fetcher, _):
        await asyncio.gather(*(fetcher.fetch(asked(web.url("/"))) for _ in range(20)))
    assert robots_asked(web) == 1 and len(web.targets()) == 20


async def test_whoever_leaves_a_shared_request_does_not_end_it_for_the_others() -> None:
    going = asyncio.Event()

    async def gated(reader, writer) -> None:
        await going.wait()
        writer.write(ALLOW)

    async with origin({"/robots.txt": gated, "/": PAGE}) as web, fetching(web.port) as (fetcher, _):
        first, second = (asyncio.ensure_future(fetcher.fetch(asked(web.url("/")))) for _ in range(2))
        while not web.seen:
            await asyncio.sleep(0.001)
        first.cancel()
        await asyncio.sleep(0)
        going.set()
        assert (await second).status == 200
        assert first.cancelled() and robots_asked(web) == 1


async def test_no_slot_for_robots_defers_and_is_not_remembered() -> None:
    limiter = OpenLimiter([Grant(False, 0.0, 700.0, 100.0, "no_slot")])
    async with origin({"/robots.txt": ALLOW, "/": PAGE}) as web, fetching(web.port, limiter) as (fetcher, _):
        with pytest.raises(NoSlot) as caught:
            await fetcher.fetch(asked(web.url("/")))
        assert caught.value.delay_ms == 700 and caught.value.chain == ()
        await fetcher.fetch(asked(web.url("/")))


class DownCache:
    """An engine that is down, as its backend says it."""

    async def get(self, origin) -> None:
        raise BackendDown("no cache")

    async def put(self, copy, keep_ms) -> None:
        raise BackendDown("no cache")

    async def close(self) -> None:
        pass


async def test_a_cache_that_is_down_costs_one_request_an_origin_and_stops_nothing() -> None:
    class Counting(SilentFetcherTelemetry):
        failures = 0

        def robots_cache_failed(self, code) -> None:
            self.failures += 1

    telemetry = Counting()
    async with (
        origin({"/robots.txt": ALLOW, "/": PAGE}) as web,
        fetching(web.port, cache=DownCache(), telemetry=telemetry) as (fetcher, _),
    ):
        for _ in range(3):
            await fetcher.fetch(asked(web.url("/")))
        with pytest.raises(RobotsDenied):
            await fetcher.fetch(asked(web.url("/private")))
    assert robots_asked(web) == 1 and telemetry.failures == 2


async def test_500_kib_are_parsed_and_a_line_that_was_cut_is_not() -> None:
    rules = b"User-agent: *\nDisallow: /early\n" + b"# filler\n" * 56_884
    rules = rules[: 512_000 - len("Disallow: /")].rpartition(b"\n")[0] + b"\n"
    rules += b"#" * (512_000 - len(b"Disallow: /") - len(rules) - 1) + b"\nDisallow: /late\nDisallow: /beyond\n"
    assert rules[:512_000].endswith(b"\nDisallow: /")
    async with origin({"/robots.txt": reply(200, rules), "/late": PAGE}) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(RobotsDenied):
            await fetcher.fetch(asked(web.url("/early")))
        assert (await fetcher.fetch(asked(web.url("/late")))).robots.allowed


@pytest.mark.parametrize(
    ("content", "path", "flag"),
    [
        (b"User-agent: *\n" + b"Allow: /\n" * 45_000, "/", "too_many_rules"),
        (b"User-agent: *\n" + (b"Allow: /" + b"*" * 16_000 + b"\n") * 7, "/", "too_many_wildcards"),
        (b"User-agent: *\n" + b"".join(b"Allow: /*%x*/ab/ab\n" % n for n in range(9_000)), "/ab", "too_many_steps"),
    ],
)
async def test_a_file_beyond_our_bounds_denies_all_and_says_so(content: bytes, path: str, flag: str) -> None:
    class Told(SilentFetcherTelemetry):
        def __init__(self) -> None:
            self.flags = set()  # type: ignore[var-annotated]  # a test's business

        def robots_exceeded(self, origin, flag) -> None:
            self.flags.add(flag)

    telemetry = Told()
    async with (
        origin({"/robots.txt": reply(200, content), "/": PAGE}) as web,
        fetching(web.port, telemetry=telemetry) as (fetcher, _),
    ):
        with pytest.raises(RobotsDenied) as caught:
            await fetcher.fetch(asked(web.url(path * 2_000)))
        assert caught.value.details["flag"] == flag and f"({flag})" in caught.value.message
        assert caught.value.details["line"] == "0"
    assert telemetry.flags == {flag}
    assert [seen.target for seen in web.seen] == ["/robots.txt"]


async def test_compiled_files_are_bounded_and_forgotten_ones_come_back_from_the_cache() -> None:
    settings = FetchPolicy(robots=RobotsSettings(compiled_bytes=5_000))
    hosts = [f"h{n}.test" for n in range(6)]
    async with origin({"/robots.txt": ALLOW, "/": PAGE}) as web, fetching(web.port, settings=settings) as (fetcher, _):
        for host in [*hosts, *hosts]:
            await fetcher.fetch(asked(web.url("/", host)))
        assert 0 < fetcher._robots._compiled.bytes <= 5_000
    assert robots_asked(web) == 6


async def test_a_host_and_the_same_with_a_dot_have_one_file_one_budget_and_one_bound_on_connections() -> None:
    limiter = OpenLimiter()
    async with (
        origin({"/robots.txt": ALLOW, "/": PAGE}) as web,
        fetching(web.port, limiter=limiter) as (fetcher, transport),
    ):
        for host in ("A.test.", "a.test", "a%2Etest%2e"):
            await fetcher.fetch(asked(f"http://{host}/"))
            with pytest.raises(RobotsDenied):
                await fetcher.fetch(asked(f"http://{host}/private"))
        assert [(seen.target, seen.headers["host"]) for seen in web.seen] == [
            ("/robots.txt", "a.test"),
            ("/", "a.test."),  # asked for as the URL has it
            ("/", "a.test"),
            ("/", "a.test."),
        ]
        assert {each.host for each in limiter.reserved} == {each.host for each in limiter.told} == {"a.test"}
        assert transport.open_connections == 1
