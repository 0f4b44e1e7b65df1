"""Names resolved over the DNS, by a nameserver of our own on loopback."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fetcher.addresses import AddressPolicy
from fetcher.resolver import DnsLookup, Endpoint, LookupAnswer, SystemResolver, guarded_endpoints
from fetcher.robots.cache import MemoryRobotsCache
from fetcher.service import FetcherService
from fetcher.settings import NameSettings
from fetcher.transport import GuardedTransport
from tests.integration.fetcher.nameserver import SERVFAIL, Nameserver, Zone, question_of, serving
from tests.support.loopback_fetcher import asked
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import Origin, redirect, reply
from thrift_idl.errors import AddressDenied, DnsFailure

PUBLIC, OTHER, SIX = "93.184.216.34", "93.184.216.35", "2606:2800:220:1::1"


class Clock:
    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


class Kit:
    """A resolver of that nameserver; its time is ours."""

    def __init__(self, server: Nameserver, settings: NameSettings) -> None:
        self.server = server
        self.clock = Clock()
        self.lookup = DnsLookup([server.address], try_ms=200, tries=2, now_ms=self.clock)
        self.resolver = SystemResolver(self.lookup, settings, self.clock)

    async def addresses(self, host: str) -> set[str]:
        return {endpoint.address for endpoint in await self.resolver.resolve(host, 80)}

    async def asked_again_at(self, host: str, at_ms: int) -> bool:
        self.clock.now_ms = at_ms
        before = len(self.server.asked)
        await self.addresses(host)
        return len(self.server.asked) > before


@asynccontextmanager
async def dns(settings: NameSettings | None = None, **zones: Zone | list[Zone]) -> AsyncIterator[Kit]:
    async with serving(**zones) as server:
        kit = Kit(server, settings or NameSettings())
        try:
            yield kit
        finally:
            await kit.resolver.close()


@pytest.mark.parametrize(
    ("records", "ttl_ms"),
    [
        ([(PUBLIC, 300)], 300_000),
        ([(PUBLIC, 300), (OTHER, 20)], 20_000),
        ([(PUBLIC, 300), (SIX, 30)], 30_000),
        ([(SIX, 30)], 30_000),
        ([(PUBLIC, 1)], 1_000),
        ([(PUBLIC, 0)], 0),
    ],
)
async def test_a_look_up_finds_both_families_and_the_least_time_to_live(records, ttl_ms) -> None:
    async with dns(a_test=Zone(tuple(records))) as kit:
        answer = await kit.lookup.look_up("a.test")
        assert set(answer.addresses) == {address for address, _ in records}
        assert answer.ttl_ms == ttl_ms


@pytest.mark.parametrize(("alias_s", "address_s", "ttl_ms"), [(300, 20, 20_000), (20, 300, 20_000), (0, 300, 0)])
async def test_a_chain_of_aliases_counts_as_long_as_its_shortest_link(alias_s, address_s, ttl_ms) -> None:
    zones = {
        "www_test": Zone(alias=("cdn.test", 600)),
        "cdn_test": Zone(alias=("edge.test", alias_s)),
        "edge_test": Zone(((PUBLIC, address_s),)),
    }
    async with dns(**zones) as kit:  # type: ignore[arg-type]  # a test's business
        assert await kit.lookup.look_up("www.test") == LookupAnswer((PUBLIC,), ttl_ms)


async def test_an_answer_is_kept_for_its_time_to_live_and_not_longer() -> None:
    async with dns(a_test=[Zone(((PUBLIC, 1),)), Zone(((OTHER, 1),))]) as kit:
        assert await kit.addresses("a.test") == {PUBLIC}
        assert not await kit.asked_again_at("a.test", 999)
        await asyncio.sleep(1.1)  # c-ares keeps it too, by the real clock
        assert await kit.asked_again_at("a.test", 1_000)
        assert await kit.addresses("a.test") == {OTHER}


async def test_a_name_without_time_to_live_is_asked_for_each_time() -> None:
    async with dns(a_test=Zone(((PUBLIC, 0),))) as kit:
        for _ in range(3):
            assert await kit.asked_again_at("a.test", 0)


async def test_a_long_time_to_live_ends_at_the_bound() -> None:
    async with dns(a_test=Zone(((PUBLIC, 7 * 86_400),))) as kit:
        await kit.addresses("a.test")
        assert not await kit.asked_again_at("a.test", 3_599_999)
        assert await kit.asked_again_at("a.test", 3_600_000)


async def test_concurrent_resolutions_of_a_name_share_one_query_even_without_time_to_live() -> None:
    async with dns(a_test=Zone(((PUBLIC, 0),))) as kit:
        found = await asyncio.gather(*(kit.addresses("a.test") for _ in range(50)))
        assert found == [{PUBLIC}] * 50
        assert kit.server.asked == ["a.test"]


async def test_a_failure_is_remembered_briefly() -> None:
    async with dns() as kit:
        for at_ms, queries in ((0, 1), (4_999, 1), (5_000, 2)):
            kit.clock.now_ms = at_ms
            with pytest.raises(DnsFailure, match=r"gone\.test does not resolve: domain name not found"):
                await kit.addresses("gone.test")
            assert kit.server.asked.count("gone.test") == queries


def _noise(query: bytes) -> bytes:
    return os.urandom(64)


def _cut(query: bytes) -> bytes:
    return query[:2] + b"\x81\x80\0\1\0\xff\0\0\0\0" + query[12:-3]


def _loop(query: bytes) -> bytes:
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:] + b"\xc0\xff\xc0\xff\0\1\0\1"


def _other_question(query: bytes) -> bytes:
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0\4evil\4test\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\1\0\0\4\x7f\0\0\1"


def _own_alias(query: bytes) -> bytes:
    alias = b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c"
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question_of(query)[2] + alias


@pytest.mark.parametrize(
    "zone",
    [
        Zone(code=SERVFAIL),
        Zone(),
        Zone(worse=lambda query: None),
        Zone(worse=lambda query: b""),
        Zone(worse=lambda query: b"\0"),
        Zone(worse=_noise),
        Zone(worse=_cut),
        Zone(worse=_loop),
        Zone(worse=_other_question),
        Zone(worse=_own_alias),
    ],
    ids=["servfail", "no-data", "silence", "empty", "one-byte", "noise", "cut", "loop", "other-question", "own-alias"],
)
async def test_no_answer_and_bad_answers_are_failures_in_time_and_spoil_no_other_name(zone) -> None:
    async with dns(a_test=zone, good_test=Zone(((PUBLIC, 60),))) as kit:
        bad = asyncio.create_task(kit.addresses("a.test"))
        assert await kit.addresses("good.test") == {PUBLIC}
        with pytest.raises(DnsFailure, match=r"a\.test"):
            await asyncio.wait_for(bad, 5)


async def test_a_caller_waits_no_longer_than_its_bound_for_a_silent_nameserver() -> None:
    async with dns(NameSettings(timeout_ms=50), a_test=Zone(worse=lambda query: None)) as kit:
        with pytest.raises(DnsFailure, match="within 50 ms"):
            await kit.addresses("a.test")


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    many = tuple((f"93.184.{number // 250}.{number % 250 + 1}", 60) for number in range(250))
    async with dns(big_test=Zone(many, only_tcp=True)) as kit:
        assert len(await kit.addresses("big.test")) == 250
        assert kit.server.over_tcp == ["big.test"]


async def test_one_private_record_among_public_ones_denies_the_name() -> None:
    async with dns(mixed_test=Zone(((PUBLIC, 60), ("10.0.0.1", 60), (SIX, 60)))) as kit:
        with pytest.raises(AddressDenied, match=r"10\.0\.0\.1"):
            await guarded_endpoints("mixed.test", 80, kit.resolver)


async def test_a_name_that_turns_private_is_denied_at_its_next_look_up() -> None:
    zones = [Zone(((PUBLIC, 0),)), Zone((("127.0.0.1", 0),))]
    async with dns(rebind_test=zones) as kit:
        assert await guarded_endpoints("rebind.test", 80, kit.resolver) == (Endpoint(PUBLIC, 80),)
        with pytest.raises(AddressDenied, match=r"127\.0\.0\.1"):
            await guarded_endpoints("rebind.test", 80, kit.resolver)


async def test_a_fetch_follows_the_dns_and_stops_where_a_rebound_name_turns_private() -> None:
    public, private = Origin({"/": redirect("/next"), "/next": reply(200, b"x")}), Origin({})
    web = await asyncio.start_server(public.serve, "127.0.0.1", 0)
    port = web.sockets[0].getsockname()[1]
    trap = await asyncio.start_server(private.serve, "127.0.0.2", port)
    answers = [Zone((("127.0.0.1", 0),)), Zone((("127.0.0.1", 0),)), Zone((("127.0.0.2", 0),))]
    async with dns(rebind_test=answers) as kit:
        fetcher = FetcherService(
            limiter=OpenLimiter(),
            resolver=kit.resolver,
            transport=GuardedTransport(),
            robots_cache=MemoryRobotsCache(),
            policy=AddressPolicy.of(["127.0.0.1/32"]),
        )
        with pytest.raises(AddressDenied):
            await fetcher.fetch(asked(f"http://rebind.test:{port}/"))
        await fetcher.close()
    web.close()
    trap.close()
    assert public.targets() == ["/"]
    assert private.connections == 0


async def test_the_channel_is_renewed_and_the_old_one_still_answers(monkeypatch) -> None:
    monkeypatch.setattr("fetcher.resolver._RENEW_AFTER", 1)
    async with dns(a_test=Zone(((PUBLIC, 60),))) as kit:
        for _ in range(3):  # a channel of c-ares would answer from its own cache
            assert (
                await asyncio.gather(*(kit.lookup.look_up("a.test") for _ in range(2)))
                == [LookupAnswer((PUBLIC,), 60_000)] * 2
            )
        assert len(kit.server.asked) > 3


async def test_neither_renewing_nor_closing_leaves_a_descriptor_behind(monkeypatch) -> None:
    monkeypatch.setattr("fetcher.resolver._RENEW_AFTER", 1)
    folder = Path("/proc/self/fd")
    before = len(list(folder.iterdir()))

    async def closed_down_to(fewer: int) -> None:
        while len(list(folder.iterdir())) >= fewer:  # c-ares closes them in a thread of its own, when it has time
            await asyncio.sleep(0.01)

    async with dns(a_test=Zone(((PUBLIC, 0),))) as kit:
        for _ in range(40):
            await kit.lookup.look_up("a.test")
        await closed_down_to(before + 40)  # fewer than one for each renewal
    gc.collect()
    await closed_down_to(before + 1)


async def test_hosts_of_the_hosts_file_need_no_nameserver() -> None:
    async with dns() as kit:
        assert await kit.addresses("localhost") <= {"127.0.0.1", "::1"}
        assert kit.server.asked == []


async def test_a_closed_resolver_leaves_nobody_waiting() -> None:
    async with dns(a_test=Zone(worse=lambda query: None)) as kit:
        waiting = asyncio.create_task(kit.addresses("a.test"))
        await asyncio.sleep(0)
        await kit.resolver.close()
        with pytest.raises((DnsFailure, asyncio.CancelledError)):
            await waiting
