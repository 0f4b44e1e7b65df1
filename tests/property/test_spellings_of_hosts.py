"""Whatever the spelling of a host in its URL, everybody who decides about hosts says the same of it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weburl
from crawler.frontier.scope import CrawlScope, seed_hosts
from fetcher.addresses import AddressPolicy, host_matches, host_pattern
from fetcher.resolver import Endpoint, MappedResolver, guarded_endpoints, parse_connect_to
from fetcher.robots.retrieval import robots_url
from ratelimiter import LimitsInForce, MemoryState, RateLimiterService
from ratelimiter.ledger.accesslog import read_access
from ratelimiter.overrides import Overrides, limit_of_qps, parse
from tests.support.examples import examples
from thrift_idl.errors import AragogError, InvalidUrl
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.ttypes import Reservation, ReserveRequest, StatusRequest

LABELS = st.sampled_from(["a", "img", "b-1", "xn--bcher-kva", "x_y", "www", "2"])
NAMES = st.builds(lambda labels, top: ".".join([*labels, top]), st.lists(LABELS, min_size=1, max_size=3),
                  st.sampled_from(["test", "com", "co.uk", "xn--p1ai"]))  # fmt: skip
HOSTS = NAMES | st.sampled_from(["localhost", "127.0.0.1", "203.0.113.7", "co.uk"])
UNICODE = {"xn--bcher-kva": "bücher", "xn--p1ai": "рф"}
DOTS = st.sampled_from([".", "%2e", "%2E", "\u3002", "\uff0e", "\uff61"])


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A host, and another way to write it."""
    host = draw(HOSTS)
    labels = [UNICODE.get(each, each) if draw(st.booleans()) else each for each in host.split(".")]
    text = labels[0]
    for label in labels[1:]:
        text += draw(DOTS) + label
    text = "".join(each.upper() if draw(st.booleans()) and each != "ß" else each for each in text)
    return host, text + draw(st.just("") | DOTS)


def urls(host: str, spelling: str) -> tuple[weburl.Url, weburl.Url]:
    return weburl.split(f"http://{host}:8080/p"), weburl.split(f"http://{spelling}:8080/p")


@given(spellings())
@settings(max_examples=examples(300))
def test_those_who_compare_hosts_see_one(given_: tuple[str, str]) -> None:
    one, other = urls(*given_)
    assert weburl.deciding_form(one.host) == weburl.deciding_form(other.host) == weburl.deciding_form(given_[1])
    assert weburl.deciding_origin(one) == weburl.deciding_origin(other)
    assert one.registrable_domain == other.registrable_domain
    assert robots_url(one) == robots_url(other)
    assert weburl.url_key(one.request_form) == weburl.url_key(other.request_form)
    for pattern in (given_[0], given_[1], f"*.{given_[0].partition('.')[2] or 'x'}", "*"):
        named = host_pattern(pattern)
        assert host_matches(named, one.host) == host_matches(named, other.host) == host_matches(named, given_[1])
    for kind in ("host", "domain"):
        for seed in (one, other):
            scope = CrawlScope.of(kind, seed_hosts([seed.request_form]))
            assert scope.admits(one.request_form) and scope.admits(other.request_form)
    accesses = [read_access(b'{"t_ms": 1, "host": "%s"}' % url.host.encode()) for url in (one, other)]
    assert accesses[0] == accesses[1]


@given(spellings(), spellings())
@settings(max_examples=examples(100))
def test_the_limiter_blocks_all_spellings_of_what_an_entry_spells_anyhow(
    given_: tuple[str, str], other_: tuple[str, str]
) -> None:
    _, spelling = given_
    text = f"[hosts.'{spelling}']\nblocked = true\n"
    overrides = parse(text, "limits.toml", limit_of_qps(10))
    asyncio.run(_blocked(overrides, given_, other_[1]))


async def _blocked(overrides: Overrides, given_: tuple[str, str], other: str) -> None:
    limits = await LimitsInForce.open()
    limits.in_force = overrides
    service = RateLimiterService(MemoryState(), limits)
    is_same = weburl.deciding_form(given_[0]) == weburl.deciding_form(other)
    for text in (*given_, other):
        url = weburl.split(f"http://{text}/")
        blocked = is_same or text != other
        for host in (url.host, text):  # a client may be any program
            grant = await service.reserve(ReserveRequest(Context("t"), Reservation(url.registrable_domain, host)))
            assert (grant.reason == "blocked") == blocked, (text, host)
            status = await service.status(StatusRequest(Context("t"), url.registrable_domain, host))
            assert bool(status.host_limit) == blocked


@given(spellings(), st.booleans(), st.booleans())
@settings(max_examples=examples(100))
def test_the_address_guard_gives_all_spellings_one_verdict(
    given_: tuple[str, str], is_allowed: bool, is_mapped: bool
) -> None:
    host, spelling = given_
    if host[0].isdigit() and host[-1].isdigit():
        return  # an address: allowed as a network
    policy = AddressPolicy.of([spelling] if is_allowed else [])
    mapped = parse_connect_to({spelling if is_mapped else "else.test": "127.0.0.1:80"})

    class Public:
        async def resolve(self, name: str, port: int) -> tuple[Endpoint, ...]:
            assert name == weburl.deciding_form(host)
            return (Endpoint("192.0.78.9", port),)

    def verdict(url: weburl.Url) -> object:
        try:
            return asyncio.run(guarded_endpoints(url.host, url.port, MappedResolver(mapped, Public()), policy))
        except AragogError as error:
            return error.code, error.details["reason"]

    one, other = (verdict(url) for url in urls(host, spelling))
    assert one == other


@pytest.mark.parametrize("host", ["a.test..", ".a.test", "a..test", ".", ".."])
def test_a_name_with_an_empty_label_is_at_no_address(host: str) -> None:
    class Never:
        async def resolve(self, name: str, port: int) -> tuple[Endpoint, ...]:
            raise AssertionError(name)

    with pytest.raises(AragogError, match="empty label") as refused:
        asyncio.run(guarded_endpoints(weburl.split(f"http://{host}/").host, 80, Never()))
    assert refused.value.code == "dns_failure"


def test_no_spelling_of_an_address_is_another_host() -> None:
    for spelling in ("127.0.0.1.", "127.1.", "0x7f000001", "0177.0.0.1", "127%2e0.0.1"):
        assert weburl.split(f"http://{spelling}/").host == weburl.deciding_form(spelling) == "127.0.0.1"
    with pytest.raises(InvalidUrl):
        weburl.split("http://[::1]./")
