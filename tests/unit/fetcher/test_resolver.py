from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from fetcher.addresses import AddressPolicy
from fetcher.resolver import (
    Endpoint,
    MappedResolver,
    SystemResolver,
    guarded_endpoints,
    parse_connect_to,
    system_addresses,
)
from thrift_idl.errors import AddressDenied, BadConfiguration, DnsFailure

PUBLIC = Endpoint("93.184.216.34", 80)


class Answers:
    """A resolver that gives a name's listed answers one after another, the last one for ever."""

    def __init__(self, answers: dict[str, list[tuple[str, ...]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> tuple[Endpoint, ...]:
        self.asked.append(host)
        remaining = self.answers.get(host, [()])
        addresses = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return tuple(Endpoint(address, port) for address in addresses)


class Clock:
    now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


class Names:
    """A blocking look-up that counts, and hangs on names that begin with `slow`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.release = threading.Event()

    def __call__(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        if host.startswith("slow"):
            self.release.wait(10)
        return () if host.startswith("gone") else ("93.184.216.34",)


@pytest.fixture
def names() -> Iterator[Names]:
    names = Names()
    yield names
    names.release.set()


async def test_a_public_host_yields_all_its_addresses_in_order() -> None:
    resolver = Answers({"a.example": [("2606:2800:220:1::1", "93.184.216.34")]})
    endpoints = await guarded_endpoints("a.example", 443, resolver)
    assert endpoints == (Endpoint("2606:2800:220:1::1", 443), Endpoint("93.184.216.34", 443))


async def test_one_private_answer_among_public_ones_denies_the_host() -> None:
    resolver = Answers({"a.example": [("93.184.216.34", "10.0.0.1")]})
    with pytest.raises(AddressDenied) as denied:
        await guarded_endpoints("a.example", 80, resolver)
    assert denied.value.details["address"] == "10.0.0.1"
    assert "private" in denied.value.details["reason"]
    assert denied.value.details["host"] == "a.example"


async def test_a_bad_port_is_denied_before_anything_is_resolved() -> None:
    resolver = Answers({"a.example": [("93.184.216.34",)]})
    with pytest.raises(AddressDenied, match="port 25"):
        await guarded_endpoints("a.example", 25, resolver)
    assert resolver.asked == []


async def test_an_empty_answer_is_a_dns_failure() -> None:
    with pytest.raises(DnsFailure, match=r"gone\.example"):
        await guarded_endpoints("gone.example", 80, Answers({}))


async def test_a_mapped_host_is_dialled_at_its_endpoint_if_the_policy_allows_its_name() -> None:
    mapped = MappedResolver(parse_connect_to({"*.test": "127.0.0.1:8765"}), Answers({}))
    policy = AddressPolicy.of(["*.test"])
    assert await guarded_endpoints("garden.test", 80, mapped, policy) == (Endpoint("127.0.0.1", 8765),)
    with pytest.raises(AddressDenied):
        await guarded_endpoints("garden.test", 80, mapped)


async def test_an_unmapped_host_goes_to_the_inner_resolver() -> None:
    mapped = MappedResolver({"*.test": Endpoint("127.0.0.1", 8765)}, Answers({"a.example": [("93.184.216.34",)]}))
    assert await mapped.resolve("a.example", 80) == (PUBLIC,)


def test_connect_to_takes_ipv6_in_brackets() -> None:
    assert parse_connect_to({"*.Test": "[::1]:81"}) == {"*.test": Endpoint("::1", 81)}


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "localhost:80", "127.0.0.1:0", "127.0.0.1:65536", ":80", "", "1.2.3.4:x"]
)
def test_a_bad_mapping_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(BadConfiguration, match=r"\*\.test"):
        parse_connect_to({"*.test": text})


async def test_literals_are_never_looked_up(names: Names) -> None:
    resolver = SystemResolver(lookup=names)
    assert await resolver.resolve("127.0.0.1", 80) == (Endpoint("127.0.0.1", 80),)
    assert await resolver.resolve("[::1]", 80) == (Endpoint("::1", 80),)
    assert names.asked == []


async def test_an_answer_is_kept_for_its_time_and_then_asked_again(names: Names) -> None:
    clock = Clock()
    resolver = SystemResolver(lookup=names, ttl_ms=1000, now_ms=clock)
    assert await resolver.resolve("a.example", 80) == (PUBLIC,)
    clock.now_ms = 999
    assert await resolver.resolve("a.example", 81) == (Endpoint(PUBLIC.address, 81),)
    assert names.asked == ["a.example"]
    clock.now_ms = 1000
    await resolver.resolve("a.example", 80)
    assert names.asked == ["a.example", "a.example"]


async def test_a_failure_is_kept_for_a_shorter_time(names: Names) -> None:
    clock = Clock()
    resolver = SystemResolver(lookup=names, ttl_ms=1000, negative_ttl_ms=100, now_ms=clock)
    for at_ms, asked in ((0, 1), (99, 1), (100, 2)):
        clock.now_ms = at_ms
        with pytest.raises(DnsFailure):
            await resolver.resolve("gone.example", 80)
        assert len(names.asked) == asked


async def test_concurrent_calls_for_one_name_share_a_look_up(names: Names) -> None:
    resolver = SystemResolver(lookup=names)
    calls = [asyncio.create_task(resolver.resolve("slow.example", 80)) for _ in range(20)]
    await asyncio.sleep(0)
    names.release.set()
    assert await asyncio.gather(*calls) == [(PUBLIC,)] * 20
    assert names.asked == ["slow.example"]


async def test_a_hanging_look_up_fails_in_time_and_holds_up_nobody_else(names: Names) -> None:
    resolver = SystemResolver(lookup=names, timeout_ms=50)
    with pytest.raises(DnsFailure, match="within 50 ms"):
        await resolver.resolve("slow.example", 80)
    assert await resolver.resolve("a.example", 80) == (PUBLIC,)


async def test_a_caller_that_gives_up_does_not_spoil_the_look_up_of_another(names: Names) -> None:
    resolver = SystemResolver(lookup=names)
    first, second = (asyncio.create_task(resolver.resolve("slow.example", 80)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    names.release.set()
    assert await second == (PUBLIC,)


async def test_the_cache_is_bounded(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fetcher.resolver._CACHED_HOSTS", 2)
    resolver = SystemResolver(lookup=names)
    for host in ("a.example", "b.example", "c.example", "c.example", "a.example"):
        await resolver.resolve(host, 80)
    assert names.asked == ["a.example", "b.example", "c.example", "a.example"]


def test_the_system_knows_localhost_and_refuses_nonsense() -> None:
    assert {"127.0.0.1", "::1"} & set(system_addresses("localhost"))
    assert system_addresses("no-such-name.invalid") == ()
    assert system_addresses("x" * 300 + ".invalid") == ()
