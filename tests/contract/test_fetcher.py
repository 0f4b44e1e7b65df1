"""The Fetcher called directly and through Thrift: the same results, the same errors, to the field."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.support.loopback_fetcher import asked, fetching
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import Origin, origin, redirect, reply
from thrift_idl.errors import (
    AddressDenied,
    BadConfiguration,
    HttpStatus,
    InvalidRequest,
    InvalidUrl,
    NoSlot,
    RetryAfter,
    RobotsDenied,
    WrongType,
)
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.ratelimiter.ttypes import Grant
from thrift_idl.redirect_chain import chain_of
from thrift_idl.rpc import Channel, RpcServer

BINARY = bytes(range(256)) * 10


@dataclass
class Setting:
    fetcher: Fetcher
    web: Origin
    limiter: OpenLimiter


REPLIES = {
    "/": reply(200, BINARY, 'ETag: "\xfcml"', "Set-Cookie: a", "Set-Cookie: b"),
    "/hop": redirect("/"),
    "/404": reply(404),
    "/429": reply(429, b"", "Retry-After: 5"),
    "/private": reply(200),
    "/out": redirect("http://192.168.0.1/"),
    "/text": reply(200, b"x", media_type="text/css"),
    "/robots.txt": reply(200, b"User-agent: *\nDisallow: /private\nCrawl-delay: 1.5"),
}


@pytest.fixture(params=["direct", "thrift"])
async def setting(request: pytest.FixtureRequest) -> AsyncIterator[Setting]:
    limiter = OpenLimiter()
    async with origin(dict(REPLIES)) as web, fetching(web.port, limiter) as (service, _):
        if request.param == "direct":
            yield Setting(service, web, limiter)
            return
        server = RpcServer(Fetcher, service, cancellable=("fetch", "explain"))
        channel = Channel(f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
        yield Setting(channel.client(Fetcher), web, limiter)
        await channel.close()
        await server.close()


async def test_a_result_has_every_field(setting: Setting) -> None:
    result = await setting.fetcher.fetch(asked(setting.web.url("/hop")))
    assert result.content == BINARY and result.status == 200
    assert [(header.name, header.value) for header in result.headers if header.name in ("etag", "set-cookie")] == [
        ("etag", '"\xfcml"'),
        ("set-cookie", "a"),
        ("set-cookie", "b"),
    ]
    assert [hop.url for hop in result.chain] == [setting.web.url("/hop")]
    assert result.robots is not None and result.robots.crawl_delay_ms == 1500
    assert result.robots.allowed and len(result.robots.version) == 16
    assert result.wire_bytes == len(BINARY) and result.latency_ms > 0 and result.peer == "127.0.0.1"


@pytest.mark.parametrize(
    ("target", "error", "details"),
    [
        ("/404", HttpStatus, {"status": "404"}),
        ("/private", RobotsDenied, {"line": "2", "rule": "disallow: /private", "group": "*"}),
        ("/text", WrongType, {"status": "200", "media_type": "text/css"}),
    ],
)
async def test_refusals_name_url_chain_and_facts(setting: Setting, target, error, details) -> None:
    url = setting.web.url(target)
    with pytest.raises(error) as caught:
        await setting.fetcher.fetch(asked(url))
    assert caught.value.details == {"url": url, **details}
    assert caught.value.chain == ()


async def test_an_error_after_a_hop_carries_the_hop(setting: Setting) -> None:
    with pytest.raises(AddressDenied) as caught:
        await setting.fetcher.fetch(asked(setting.web.url("/out")))
    assert [(hop.url, hop.status, hop.target) for hop in chain_of(caught.value)] == [
        (setting.web.url("/out"), 302, "http://192.168.0.1/")
    ]
    assert "status" not in caught.value.details, "the target was not answered"


async def test_a_deferral_has_its_delay_and_resumes(setting: Setting) -> None:
    with pytest.raises(RetryAfter) as asked_to_wait:
        await setting.fetcher.fetch(asked(setting.web.url("/429")))
    assert asked_to_wait.value.delay_ms == 5_000
    setting.limiter.grants = [Grant(True, 0.0, 0.0, 1.0), Grant(False, 0.0, 250.5, 100.0, "no_slot")]
    with pytest.raises(NoSlot) as caught:
        await setting.fetcher.fetch(asked(setting.web.url("/hop")))
    assert caught.value.delay_ms == 251
    resumed = asked(setting.web.url("/hop"), resume=chain_of(caught.value))
    assert (await setting.fetcher.fetch(resumed)).content == BINARY
    assert setting.web.targets().count("/hop") == 1


async def test_bad_requests_name_the_field(setting: Setting) -> None:
    with pytest.raises(InvalidRequest, match="max_bytes"):
        await setting.fetcher.fetch(asked(setting.web.url("/"), max_bytes=-1))
    with pytest.raises(InvalidRequest, match="if_none_match"):
        await setting.fetcher.fetch(asked(setting.web.url("/"), if_none_match="a\r\nHost: evil"))
    with pytest.raises(InvalidUrl):
        await setting.fetcher.fetch(asked("no url"))
    with pytest.raises(BadConfiguration, match="contact"):
        await setting.fetcher.fetch(asked("http://1.1.1.1/"))
    assert setting.web.seen == []


async def test_a_cancelled_call_ends_its_request(setting: Setting) -> None:
    left = asyncio.Event()

    async def silent(reader, writer) -> None:
        await reader.read()
        left.set()

    setting.web.replies["/slow"] = silent
    call = asyncio.ensure_future(setting.fetcher.fetch(asked(setting.web.url("/slow"))))
    while "/slow" not in setting.web.targets():
        await asyncio.sleep(0.001)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await left.wait()
    assert (await setting.fetcher.fetch(asked(setting.web.url("/")))).status == 200
