from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.resolver import (
    ByName,
    Endpoint,
    LookupAnswer,
    SystemLookup,
    SystemResolver,
    kept_for_ms,
    lookup_of,
    system_addresses,
    system_only,
)
from fetcher.settings import NameSettings
from thrift_idl.errors import BadConfiguration, DnsFailure

PUBLIC = Endpoint("93.184.216.34", 80)


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


async def test_literals_are_never_looked_up(names: Names) -> None:
    resolver = SystemResolver(SystemLookup(names))
    assert await resolver.resolve("127.0.0.1", 80) == (Endpoint("127.0.0.1", 80),)
    assert await resolver.resolve("[::1]", 80) == (Endpoint("::1", 80),)
    assert names.asked == []


async def test_an_answer_is_kept_for_its_time_and_then_asked_again(names: Names) -> None:
    clock = Clock()
    resolver = SystemResolver(SystemLookup(names), NameSettings(no_ttl_ms=1000), clock)
    assert await resolver.resolve("a.example", 80) == (PUBLIC,)
    clock.now_ms = 999
    assert await resolver.resolve("a.example", 81) == (Endpoint(PUBLIC.address, 81),)
    assert names.asked == ["a.example"]
    clock.now_ms = 1000
    await resolver.resolve("a.example", 80)
    assert names.asked == ["a.example", "a.example"]


async def test_a_failure_is_kept_for_a_shorter_time(names: Names) -> None:
    clock = Clock()
    resolver = SystemResolver(SystemLookup(names), NameSettings(no_ttl_ms=1000, failure_ms=100), clock)
    for at_ms, asked in ((0, 1), (99, 1), (100, 2)):
        clock.now_ms = at_ms
        with pytest.raises(DnsFailure):
            await resolver.resolve("gone.example", 80)
        assert len(names.asked) == asked


async def test_concurrent_calls_for_one_name_share_a_look_up(names: Names) -> None:
    resolver = SystemResolver(SystemLookup(names))
    calls = [asyncio.create_task(resolver.resolve("slow.example", 80)) for _ in range(20)]
    await asyncio.sleep(0)
    names.release.set()
    assert await asyncio.gather(*calls) == [(PUBLIC,)] * 20
    assert names.asked == ["slow.example"]


async def test_a_hanging_look_up_fails_in_time_and_holds_up_nobody_else(names: Names) -> None:
    resolver = SystemResolver(SystemLookup(names), NameSettings(timeout_ms=50))
    with pytest.raises(DnsFailure, match="within 50 ms"):
        await resolver.resolve("slow.example", 80)
    assert await resolver.resolve("a.example", 80) == (PUBLIC,)


async def test_a_caller_that_gives_up_does_not_spoil_the_look_up_of_another(names: Names) -> None:
    resolver = SystemResolver(SystemLookup(names))
    first, second = (asyncio.create_task(resolver.resolve("slow.example", 80)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    names.release.set()
    assert await second == (PUBLIC,)


async def test_the_cache_is_bounded(names: Names) -> None:
    resolver = SystemResolver(SystemLookup(names), NameSettings(max_names=2))
    for host in ("a.example", "b.example", "c.example", "c.example", "a.example"):
        await resolver.resolve(host, 80)
    assert names.asked == ["a.example", "b.example", "c.example", "a.example"]


def test_the_system_knows_localhost_and_refuses_nonsense() -> None:
    assert {"127.0.0.1", "::1"} & set(system_addresses("localhost"))
    assert system_addresses("no-such-name.invalid") == ()
    assert system_addresses("x" * 300 + ".invalid") == ()


@pytest.mark.parametrize(
    ("answer", "kept_ms"),
    [
        (LookupAnswer(("1.2.3.4",), 0), 0),
        (LookupAnswer(("1.2.3.4",), 1_000), 1_000),
        (LookupAnswer(("1.2.3.4",), 86_400_000), 3_600_000),
        (LookupAnswer(("1.2.3.4",), None), 60_000),
        (LookupAnswer((), 86_400_000), 5_000),
    ],
)
def test_an_answer_counts_for_its_time_to_live_within_bounds(answer: LookupAnswer, kept_ms: int) -> None:
    assert kept_for_ms(answer, NameSettings()) == kept_ms


class Named:
    """A look-up that answers its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def look_up(self, host: str) -> LookupAnswer:
        return LookupAnswer((self.name,))

    async def close(self) -> None:
        return None


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("a.example", "dns"),
        ("a.example.", "dns"),
        ("printer.local", "system"),
        ("localhost", "system"),
        ("db.", "system"),
    ],
)
async def test_names_of_one_label_and_of_mdns_are_left_to_the_system(host: str, asked: str) -> None:
    assert await ByName(Named("dns"), Named("system")).look_up(host) == LookupAnswer((asked,))


@pytest.mark.parametrize(
    ("resolv", "hosts", "why"),
    [
        ("nameserver 10.0.0.1", "files dns", ""),
        ("nameserver 10.0.0.1", "files mdns4_minimal [NOTFOUND=return] dns myhostname", ""),
        ("nameserver 127.0.0.53", "mymachines resolve [!UNAVAIL=return] files", ""),
        ("nameserver 10.0.0.1", None, ""),
        ("# nameserver 10.0.0.1", "files dns", "names no nameserver"),
        (None, "files dns", "names no nameserver"),
        ("nameserver 10.0.0.1", "files", "don't come from the DNS"),
        ("nameserver 10.0.0.1", "files ldap dns", "come from ldap too"),
    ],
)
def test_the_system_looks_up_where_the_dns_is_not_the_whole_truth(
    tmp_path: Path, resolv: str | None, hosts: str | None, why: str
) -> None:
    for file, text in (("resolv.conf", resolv), ("nsswitch.conf", hosts and f"passwd: files\nhosts:  {hosts}\n")):
        if text is not None:
            (tmp_path / file).write_text(text)
    found = system_only(tmp_path / "resolv.conf", tmp_path / "nsswitch.conf")
    assert found.endswith(why) and bool(found) == bool(why)


@pytest.mark.parametrize("text", ["dns.example", "10.0.0.1:0", "10.0.0.1:x", "10.0.0.1,", "::1:53:x"])
def test_a_nameserver_that_is_no_address_is_an_error_that_shows_it(text: str) -> None:
    with pytest.raises(BadConfiguration, match=r"fetcher\.dns"):
        lookup_of(text)


async def test_nameservers_are_given_by_address_with_or_without_a_port() -> None:
    lookup, said = lookup_of("10.0.0.2, 10.0.0.3:5353,[::1]:54, ::1")
    await lookup.close()
    assert "10.0.0.2:53, 10.0.0.3:5353, [::1]:54, [::1]:53" in said
