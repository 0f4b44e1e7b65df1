"""Explanations, decided by the gate, the guard and the limiter that a fetch uses, without the web."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

import weburl
from fetcher.addresses import AddressPolicy
from fetcher.explanation import FetchExplainer
from fetcher.resolver import SystemLookup, SystemResolver
from fetcher.robots.cache import MemoryRobotsCache, RobotsCopy
from fetcher.robots.gate import RobotsGate
from fetcher.robots.retrieval import Retrieved
from fetcher.settings import FetchPolicy
from fetcher.telemetry import SilentFetcherTelemetry
from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from runtime.clock import Clock
from runtime.durations import DAY_MS
from thrift_idl.errors import (
    AragogError,
    BackendDown,
    ConnectFailure,
    HostHeld,
    InvalidRequest,
    NoSlot,
    RetryAfter,
    RobotsUnavailable,
    TlsFailure,
)
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import ExplainRequest, Explanation
from thrift_idl.gen.ratelimiter.ttypes import BlockRequest, FeedbackRequest

CONTEXT = Context("test")
URL = "http://a.test/private/room"
ADDRESSES = {"a.test": ("127.0.0.1",), "mixed.test": ("127.0.0.1", "10.0.0.7"), "far.test": ("93.184.216.34",)}
RULES = b"User-agent: *\nAllow: /\nDisallow: /private/\nCrawl-delay: 2\n"


class CacheDown(MemoryRobotsCache):
    async def get(self, origin: str) -> RobotsCopy | None:
        raise BackendDown("the cache is down")

    async def put(self, copy: RobotsCopy, keep_ms: int) -> None:
        raise BackendDown("the cache is down")


class LimiterDown(RateLimiterService):
    async def status(self, request) -> None:  # type: ignore[override]  # a test's business
        raise BackendDown("the limiter is down")


@dataclass
class Kit:
    """The explainer over the real gate, guard and limiter; the origin answers `robots`, the wall clock is ours."""

    explaining: FetchExplainer
    limiter: RateLimiterService
    robots: bytes | AragogError = RULES
    asked: list[str] = field(default_factory=list)
    wall_ms: int = 1_800_000_000_000

    async def explain(self, url: str = URL, **fields) -> Explanation:
        return await self.explaining.explain(ExplainRequest(CONTEXT, url, **fields))

    async def answer(self, url: weburl.Url, _: Context, __: RobotsCopy | None) -> Retrieved:
        self.asked.append(url.origin)
        if isinstance(self.robots, AragogError):
            raise self.robots
        return Retrieved(self.robots)


async def kit_of(cache=None, limiter=RateLimiterService, settings: FetchPolicy | None = None) -> Kit:
    settings = settings or FetchPolicy()
    made = limiter(MemoryState(), await LimitsInForce.open(None, 10.0))
    kit = Kit(None, made)  # type: ignore[arg-type]  # set two lines on: the gate calls the kit
    clock = Clock(wall_ms=lambda: kit.wall_ms)
    cache = cache or MemoryRobotsCache()
    gate = RobotsGate(kit.answer, cache, "Aragog", settings.robots, clock, SilentFetcherTelemetry())
    resolver = SystemResolver(SystemLookup(lambda host: ADDRESSES.get(host, ())))
    policy = AddressPolicy.of(["127.0.0.1"])
    kit.explaining = FetchExplainer(gate, cache, resolver, policy, made, settings, clock)
    return kit


async def test_a_denied_url_names_the_line_that_decides() -> None:
    found = await (await kit_of()).explain()
    assert (found.would_fetch, found.family, found.code) == (False, "refused", "robots_denied")
    assert found.message == "robots.txt forbids it: disallow: /private/"
    rules = found.robots.verdict
    assert (rules.allowed, rules.line, rules.rule, rules.group) == (False, 3, "disallow: /private/", "*")
    assert rules.crawl_delay_ms == 2_000


@pytest.mark.parametrize("fetch_robots", [True, False])
async def test_a_file_beyond_our_bounds_is_explained_by_a_sentence(fetch_robots: bool) -> None:
    kit = await kit_of()
    kit.robots = b"User-agent: *\n" + b"Allow: /\n" * 40_001
    await kit.explain()
    found = await kit.explain(fetch_robots=fetch_robots)
    assert (found.would_fetch, found.code, found.robots.verdict.flag) == (False, "robots_denied", "too_many_rules")
    assert found.message.startswith("robots.txt forbids it: the file has more than 40,000 rules for us: beyond that")


async def test_an_allowed_url_would_be_fetched_and_names_its_line_too() -> None:
    found = await (await kit_of()).explain("HTTP://A.test/public#x")
    assert (found.would_fetch, found.code, found.url) == (True, "", "http://a.test/public")
    assert (found.robots.verdict.line, found.robots.verdict.rule) == (2, "allow: /")
    assert found.robots.url == "http://a.test/robots.txt"


async def test_robots_txt_is_fetched_once_and_then_cached_with_its_age() -> None:
    kit = await kit_of()
    first = await kit.explain()
    kit.wall_ms += 5_000
    second = await kit.explain()
    assert (first.robots.source, first.robots.age_ms) == ("fetched", 0)
    assert (second.robots.source, second.robots.age_ms) == ("cached", 5_000)
    assert first.robots.fetched_ms == second.robots.fetched_ms == kit.wall_ms - 5_000
    assert kit.asked == ["http://a.test"]


async def test_no_file_allows_all_and_has_no_version() -> None:
    kit = await kit_of()
    kit.robots = b""
    found = await kit.explain()
    assert found.would_fetch and found.robots.verdict.version == "" and found.robots.verdict.line == 0


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (RobotsUnavailable("robots.txt answered 503", delay_ms=60_000), "deferred"),
        (RetryAfter("robots.txt answered 429", delay_ms=60_000), "deferred"),
        (ConnectFailure("refused"), "unavailable"),
        (TlsFailure("no TLS"), "unavailable"),
    ],
)
async def test_no_robots_txt_is_the_outcome_and_stays_so_while_remembered(error: AragogError, family: str) -> None:
    kit = await kit_of()
    kit.robots = error
    for _ in range(2):
        found = await kit.explain()
        assert (found.would_fetch, found.family, found.code) == (False, family, error.code)
        assert (found.robots.source, found.robots.code, found.robots.verdict) == ("unavailable", error.code, None)
    assert len(kit.asked) == 1
    cached_only = await kit.explain(fetch_robots=False)
    assert (cached_only.would_fetch, cached_only.code) == (False, error.code)


async def test_a_held_domain_is_the_outcome_where_robots_txt_meets_it_first() -> None:
    kit = await kit_of()
    kit.robots = HostHeld("held", delay_ms=9_000)
    found = await kit.explain()
    assert (found.would_fetch, found.code, found.delay_ms) == (False, "host_held", 9_000)


async def test_want_of_a_slot_for_robots_txt_leaves_it_open() -> None:
    kit = await kit_of()
    kit.robots = NoSlot("none", delay_ms=150)
    found = await kit.explain()
    assert (found.would_fetch, found.code, found.delay_ms, found.robots.source) == (None, "", 150, "unknown")


async def test_a_stale_copy_stands_in_where_the_origin_fails() -> None:
    kit = await kit_of()
    await kit.explain()
    kit.wall_ms += 8 * DAY_MS
    kit.robots = RobotsUnavailable("robots.txt answered 500", delay_ms=60_000)
    found = await kit.explain()
    assert (found.robots.source, found.robots.age_ms, found.code) == ("stale", 8 * DAY_MS, "robots_denied")


async def test_without_fetching_the_cache_decides_as_far_as_it_can() -> None:
    kit = await kit_of()
    unknown = await kit.explain(fetch_robots=False)
    assert (unknown.would_fetch, unknown.robots.source, unknown.robots.verdict) == (None, "unknown", None)
    assert kit.asked == []
    await kit.explain()
    cached = await kit.explain(fetch_robots=False)
    assert (cached.would_fetch, cached.robots.source, cached.robots.verdict.line) == (False, "cached", 3)
    kit.wall_ms += 8 * DAY_MS
    stale = await kit.explain(fetch_robots=False)
    assert (stale.robots.source, stale.code, len(kit.asked)) == ("stale", "robots_denied", 1)


async def test_a_cache_that_is_down_costs_the_age_and_not_the_verdict() -> None:
    kit = await kit_of(CacheDown())
    for _ in range(2):
        found = await kit.explain()
        assert (found.code, found.robots.source, found.robots.fetched_ms) == ("robots_denied", "memory", None)
    assert len(kit.asked) == 1


async def test_a_copy_that_another_process_put_since_is_not_taken_for_ours() -> None:
    cache = MemoryRobotsCache()
    kit = await kit_of(cache)
    first = await kit.explain()
    newer = replace((await cache.get("http://a.test")), content=b"User-agent: *\nAllow: /", fetched_ms=kit.wall_ms)  # type: ignore[type-var]  # a test's business
    await cache.put(newer, DAY_MS)  # type: ignore[arg-type]  # a test's business
    second = await kit.explain()
    assert (second.robots.source, second.robots.age_ms) == ("memory", None)
    assert second.robots.verdict == first.robots.verdict


@pytest.mark.parametrize(
    "text", ["no url", "http://[broken", "mailto:a@b", "http://a.test:99999/", "http://" + "a" * 9000]
)
async def test_what_is_no_url_is_told_and_nobody_is_asked(text: str) -> None:
    kit = await kit_of()
    found = await kit.explain(text)
    assert (found.would_fetch, found.family, found.code, found.url) == (False, "refused", "invalid_url", "")
    assert found.robots is None and found.limit is None and kit.asked == []


async def test_every_address_has_its_verdict_and_one_denied_denies_the_host() -> None:
    kit = await kit_of()
    found = await kit.explain("http://mixed.test/")
    assert [(each.address, each.port, each.allowed) for each in found.addresses] == [
        ("127.0.0.1", 80, True),
        ("10.0.0.7", 80, False),
    ]
    assert (found.would_fetch, found.code) == (False, "address_denied") and "10.0.0.7" in found.message
    assert found.robots is None and kit.asked == [] and found.limit is not None


async def test_a_port_of_another_protocol_is_refused_before_anything_is_resolved() -> None:
    found = await (await kit_of()).explain("http://a.test:25/")
    assert (found.code, found.port_refusal, found.addresses) == ("address_denied", "port of another protocol", ())


async def test_a_name_that_does_not_resolve_is_told() -> None:
    found = await (await kit_of()).explain("http://nowhere.test/")
    assert (found.would_fetch, found.family, found.code) == (False, "unavailable", "dns_failure")


async def test_want_of_a_contact_is_told_where_the_host_is_beyond_loopback() -> None:
    found = await (await kit_of()).explain("http://far.test/")
    assert (found.would_fetch, found.code) == (False, "bad_configuration") and "contact" in found.message
    with_contact = await kit_of(settings=FetchPolicy(user_agent="Aragog/0.1 (+https://example.org/bot)"))
    assert (await with_contact.explain("http://far.test/")).would_fetch


async def test_a_blocked_domain_is_deferred_and_says_for_how_long() -> None:
    kit = await kit_of()
    await kit.limiter.block(BlockRequest(CONTEXT, "a.test", 60_000))
    found = await kit.explain("http://a.test/")
    assert (found.would_fetch, found.family, found.code) == (False, "deferred", "host_held")
    assert "blocks a.test" in found.message and 0 < found.delay_ms <= 60_000  # type: ignore[operator, operator]  # never None here
    assert found.limit.blocked_ms > 0 and found.limit.held_ms == 0


async def test_a_hold_shorter_than_a_fetch_waits_is_none() -> None:
    kit = await kit_of()
    await kit.limiter.feedback(FeedbackRequest(CONTEXT, "a.test", "a.test", 429, 30_000))
    held = await kit.explain("http://a.test/")
    assert (held.code, "holds a.test" in held.message) == ("host_held", True)
    assert (await kit.explain("http://a.test/", max_wait_ms=60_000)).would_fetch


async def test_robots_txt_denies_a_blocked_domain_first() -> None:
    kit = await kit_of()
    await kit.limiter.block(BlockRequest(CONTEXT, "a.test", 60_000))
    assert (await kit.explain()).code == "robots_denied"


async def test_a_limiter_that_is_down_is_said_and_the_verdicts_stay() -> None:
    found = await (await kit_of(limiter=LimiterDown)).explain()
    assert (found.limit, found.limit_unknown, found.code) == (None, "the limiter is down", "robots_denied")


async def test_an_explanation_takes_no_slot() -> None:
    kit = await kit_of()
    for _ in range(30):
        found = await kit.explain("http://a.test/")
    assert found.limit.next_slot_ms == 0 and found.limit.interval_ms == 100


async def test_a_negative_wait_is_an_invalid_request() -> None:
    with pytest.raises(InvalidRequest, match="max_wait_ms"):
        await (await kit_of()).explain(max_wait_ms=-1)
