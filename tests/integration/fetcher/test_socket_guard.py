"""The address guard, seen from where a connection would arrive: private listeners of ours that nobody may reach.

Loopback stands in for the internet: 127.0.0.1 is the public web (allowed), 127.0.0.2 the private network behind us.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from fetcher.addresses import AddressPolicy
from fetcher.resolver import SystemLookup, SystemResolver
from fetcher.robots.cache import MemoryRobotsCache
from fetcher.service import FetcherService
from fetcher.settings import FetchPolicy, NameSettings
from fetcher.transport import GuardedTransport
from tests.support.loopback_fetcher import asked
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import Origin, redirect, reply
from thrift_idl.errors import AddressDenied

PUBLIC, PRIVATE = "127.0.0.1", "127.0.0.2"
PAGE = reply(200, b"<html>hello</html>", "Connection: close")
ONLY_PUBLIC = AddressPolicy.of([f"{PUBLIC}/32"])


@dataclass
class Names:
    """The addresses of each name: one answer after the other, the last one for ever."""

    answers: dict[str, list[tuple[str, ...]]]
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        found = self.answers.get(host, [()])
        return found.pop(0) if len(found) > 1 else found[0]


@dataclass
class Guarded:
    fetcher: FetcherService
    web: Origin
    private: Origin

    def url(self, host: str, target: str = "/") -> str:
        return f"http://{host}:{self.web.port}{target}"


@asynccontextmanager
async def guarded(names: Names, replies: dict | None = None, policy: AddressPolicy = ONLY_PUBLIC):
    """A fetcher that may dial `PUBLIC` alone, a web there, and a listener at `PRIVATE` on the same port."""
    web, private = Origin({"/": PAGE} | (replies or {})), Origin({})
    server = await asyncio.start_server(web.serve, PUBLIC, 0)
    web.port = server.sockets[0].getsockname()[1]
    trap = await asyncio.start_server(private.serve, PRIVATE, web.port)
    resolver = SystemResolver(SystemLookup(names), NameSettings(no_ttl_ms=0))
    settings = FetchPolicy()
    fetcher = FetcherService(
        limiter=OpenLimiter(),
        resolver=resolver,
        transport=GuardedTransport(settings.transport),
        robots_cache=MemoryRobotsCache(),
        settings=settings,
        policy=policy,
    )
    try:
        yield Guarded(fetcher, web, private)
    finally:
        await fetcher.close()
        await resolver.close()
        server.close()
        trap.close()
        assert private.connections == 0, "a private listener was reached"


async def test_the_trap_would_tell() -> None:
    async with guarded(Names({})) as kit:
        _, writer = await asyncio.open_connection(PRIVATE, kit.web.port)
        writer.close()
        await asyncio.sleep(0.05)
        assert kit.private.connections == 1
        kit.private.connections = 0


async def test_a_name_without_ttl_that_turns_private_between_two_hops_is_denied_there() -> None:
    names = Names({"rebind.test": [(PUBLIC,), (PUBLIC,), (PRIVATE,)]})
    async with guarded(names, {"/": redirect("/next"), "/next": PAGE}) as kit:
        with pytest.raises(AddressDenied):
            await kit.fetcher.fetch(asked(kit.url("rebind.test")))
        assert kit.web.targets() == ["/"]
    assert len(names.asked) == 3, "robots.txt, the page, its target: each resolved and vetted"


async def test_a_name_that_turns_private_after_its_verdict_is_dialled_where_it_was_vetted() -> None:
    async with guarded(Names({"rebind.test": [(PUBLIC,), (PUBLIC,), (PRIVATE,)]})) as kit:
        assert (await kit.fetcher.fetch(asked(kit.url("rebind.test")))).peer == PUBLIC
        with pytest.raises(AddressDenied):
            await kit.fetcher.fetch(asked(kit.url("rebind.test")))


@pytest.mark.parametrize("answer", [(PUBLIC, PRIVATE), (PRIVATE, PUBLIC), (PUBLIC, f"::ffff:{PRIVATE}")])
async def test_a_mixed_answer_denies_the_name(answer) -> None:
    async with guarded(Names({"mixed.test": [answer]})) as kit:
        with pytest.raises(AddressDenied):
            await kit.fetcher.fetch(asked(kit.url("mixed.test")))
        assert kit.web.seen == []


@pytest.mark.parametrize("host", [PRIVATE, "2130706434", "0x7f.2", "127.2", "[::ffff:127.0.0.2]", "0177.0.0.2"])
async def test_no_writing_of_a_private_address_gets_there_by_url_or_redirect(host) -> None:
    async with guarded(Names({"open.test": [(PUBLIC,)]})) as kit:
        kit.web.replies["/away"] = redirect(kit.url(host))
        for url in (kit.url(host), kit.url("open.test", "/away")):
            with pytest.raises(AddressDenied):
                await kit.fetcher.fetch(asked(url))


async def test_a_robots_txt_that_redirects_to_a_private_address_is_none() -> None:
    async with guarded(Names({"open.test": [(PUBLIC,)]})) as kit:
        kit.web.replies["/robots.txt"] = redirect(kit.url(PRIVATE, "/robots.txt"))
        result = await kit.fetcher.fetch(asked(kit.url("open.test")))
        assert result.robots is not None and result.robots.allowed


async def test_a_host_or_network_on_the_allow_list_is_reached_and_a_denied_network_beats_it() -> None:
    internal = AddressPolicy.of(["*.corp.test"], deny=[f"{PRIVATE}/32"])
    async with guarded(Names({"wiki.corp.test": [(PUBLIC,), (PUBLIC,), (PRIVATE,)]}), policy=internal) as kit:
        assert (await kit.fetcher.fetch(asked(kit.url("wiki.corp.test")))).status == 200
        with pytest.raises(AddressDenied, match="denied by policy"):
            await kit.fetcher.fetch(asked(kit.url("wiki.corp.test")))
