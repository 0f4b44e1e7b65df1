"""Every URL of the sample web through the real rate limiter: each ends as its expectation says, politely."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

import pytest

import weburl
from fetcher.addresses import AddressPolicy
from fetcher.resolver import MappedResolver, SystemResolver, parse_connect_to
from fetcher.robots.cache import MemoryRobotsCache
from fetcher.robots.rules import RobotsRules
from fetcher.service import FetcherService
from fetcher.transport import GuardedTransport
from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from tests.support.limiter_requests import assert_promise
from tests.support.loopback_fetcher import asked
from testweb import SampleWeb
from testweb.expectation import Expected, load
from thrift_idl.errors import AragogError, Deferred, RetryAfter
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.redirect_chain import chain_of

PATIENCE_MS = 2_500
QPS = 10.0


async def fetched(fetcher: FetcherService, url: str) -> FetchResult | AragogError:
    """Patiently: what is deferred for a moment is resumed where it stopped."""
    chain, told_to_wait = (), 0
    for _ in range(60):
        try:
            return await fetcher.fetch(asked(url, resume=chain))
        except Deferred as error:
            told_to_wait += isinstance(error, RetryAfter)
            if error.delay_ms > PATIENCE_MS or told_to_wait > 2:
                return error
            chain = chain_of(error)  # type: ignore[assignment]  # a test's business
            await asyncio.sleep(error.delay_ms / 1000)
        except AragogError as error:
            return error
    raise AssertionError(f"{url} was deferred again and again")


def difference(expected: Expected, found: FetchResult | AragogError, everything: dict[str, Expected]) -> str:
    """The difference between `found` and the expectation; "" = none."""
    end = everything.get(expected.final_url, expected) if expected.outcome == "alias" else expected
    if isinstance(found, AragogError):
        told = (found.family, found.code, found.details.get("url", expected.url), chain_of(found))
    else:
        told = ("fetched", "", found.url, found.chain)
    family, code, url, chain = told
    if end.code == code == "too_many_redirects":
        return ""  # how often round is the fetcher's choice
    if (family, code, url) != (end.outcome, end.code, expected.final_url or expected.url):
        return f"{expected.url}: {end.outcome} {end.code} of {expected.final_url} wanted, got {told}"
    hops = tuple((hop.status, hop.url) for hop in chain)
    if expected.outcome == "alias" and hops != expected.hops:
        return f"{expected.url}: hops {hops}"
    if isinstance(found, FetchResult) and expected.outcome == "fetched":
        facts = (found.status, found.media_type, len(found.content))
        if facts != (end.status, end.media_type, end.content_size):
            return f"{expected.url}: {facts}"
    return ""


@pytest.fixture(scope="module")
def everything() -> dict[str, Expected]:
    return load()


async def test_every_url_ends_as_expected_and_no_host_is_asked_too_fast(everything) -> None:
    limits = await LimitsInForce.open(None, QPS)
    async with SampleWeb() as web:
        fetcher = FetcherService(
            limiter=RateLimiterService(MemoryState(), limits),
            resolver=MappedResolver(parse_connect_to(web.connect_to), SystemResolver()),
            transport=GuardedTransport(),
            robots_cache=MemoryRobotsCache(),
            policy=AddressPolicy.of(["*.test"]),
        )
        began = time.monotonic()
        found = await asyncio.gather(*(fetched(fetcher, url) for url in everything))
        took = time.monotonic() - began
        await fetcher.close()
    wrong = [difference(expected, end, everything) for expected, end in zip(everything.values(), found, strict=True)]
    assert list(filter(None, wrong)) == []
    print(f"{len(found)} URLs, {len(web.log.entries)} requests in {took:.1f} s")
    times = defaultdict(list)
    for entry in web.log.entries:
        times[weburl.registrable_domain(entry.host)].append(entry.t_ms)
    for arrivals in times.values():
        assert_promise(arrivals, QPS)
    assert forbidden(web) == []
    assert (
        sum(bool(rule.content) for site in web.sites.values() for rule in [site.rules.get("/robots.txt")] if rule) > 3
    )


def forbidden(web: SampleWeb) -> list[str]:
    """Requests that the host's robots.txt, read from the sample web's own files, forbids us."""
    denied = []
    for entry in web.log.entries:
        rule = web.sites[entry.host].rules.get("/robots.txt") if entry.host in web.sites else None
        content = getattr(rule, "content", b"") or b""
        if not RobotsRules(content, "Aragog").verdict(entry.path).allowed:
            denied.append(entry.url)
    return denied
