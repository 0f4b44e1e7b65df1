"""A fetch, end to end over loopback: results, outcomes, redirects, robots."""

from __future__ import annotations

import gzip

import pytest

from tests.support.loopback_fetcher import asked, fetching
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import origin, redirect, reply
from thrift_idl.errors import (
    AddressDenied,
    BadConfiguration,
    ConnectFailure,
    DnsFailure,
    HostHeld,
    HttpStatus,
    InvalidUrl,
    NoSlot,
    RetryAfter,
    RobotsDenied,
    ServerError,
    TooManyRedirects,
    WrongType,
)
from thrift_idl.gen.ratelimiter.ttypes import Grant
from thrift_idl.redirect_chain import chain_of

PAGE = reply(200, b"<html>hello</html>", "X-One: 1", "x-two: 2", media_type="text/html; charset=UTF-8")


async def test_a_page_comes_back_with_all_that_is_known_of_it() -> None:
    async with origin({"/a?b=1": PAGE}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/a?b=1#c", "site.test")))
    assert result.status == 200
    assert result.url == web.url("/a?b=1", "site.test")
    assert result.content == b"<html>hello</html>"
    assert (result.media_type, result.charset) == ("text/html", "utf-8")
    assert [header.name for header in result.headers] == ["content-length", "content-type", "x-one", "x-two"]
    assert result.peer == "127.0.0.1"
    assert result.wire_bytes == 18
    assert result.flags == ()
    assert result.robots.allowed and result.robots.version == ""
    assert result.began_ms > 1_600_000_000_000 and result.latency_ms > 0


async def test_every_request_takes_a_reservation_and_tells_how_it_ended() -> None:
    limiter = OpenLimiter()
    replies = {"/": redirect("/b"), "/b": PAGE, "/robots.txt": reply(200, b"User-agent: *\nCrawl-delay: 2")}
    async with origin(replies) as web, fetching(web.port, limiter) as (fetcher, _):
        await fetcher.fetch(asked(web.url("/", "www.site.test")))
    assert [seen.target for seen in web.seen] == ["/robots.txt", "/", "/b"]
    assert [(r.domain, r.host, r.crawl_delay_ms) for r in limiter.reserved] == [
        ("site.test", "www.site.test", None),
        ("site.test", "www.site.test", 2000),
        ("site.test", "www.site.test", 2000),
    ]
    assert [told.status for told in limiter.told] == [200, 302, 200]


async def test_one_connection_serves_robots_and_pages_of_an_origin() -> None:
    async with origin({"/": PAGE}) as web, fetching(web.port) as (fetcher, transport):
        for _ in range(3):
            await fetcher.fetch(asked(web.url("/")))
        assert transport.open_connections == 1
    assert web.connections == 1
    assert web.targets() == ["/"] * 3


async def test_redirects_are_followed_and_told_hop_by_hop() -> None:
    replies = {"/1": redirect("two.test/", 301), "/two.test/": redirect("//b.test:{port}/3", 307), "/3": PAGE}
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        replies["/two.test/"] = redirect(f"//b.test:{web.port}/3", 307)
        result = await fetcher.fetch(asked(web.url("/1", "a.test")))
    assert result.url == web.url("/3", "b.test")
    assert [(hop.url, hop.status, hop.target, hop.kind, hop.peer) for hop in result.chain] == [
        (web.url("/1", "a.test"), 301, web.url("/two.test/", "a.test"), "http", "127.0.0.1"),
        (web.url("/two.test/", "a.test"), 307, web.url("/3", "b.test"), "http", "127.0.0.1"),
    ]


@pytest.mark.parametrize("replies", [{"/": redirect("/")}, {"/": redirect("/b"), "/b": redirect("/#x")}])
async def test_a_redirect_loop_is_refused_with_its_chain(replies) -> None:
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(TooManyRedirects) as caught:
            await fetcher.fetch(asked(web.url("/")))
    assert caught.value.details["reason"] == "loop"
    assert caught.value.details["status"] == "302"
    assert len(chain_of(caught.value)) == len(replies)  # the hop that closes the loop included
    assert len(web.targets()) == len(replies)


async def test_ten_hops_are_followed_and_no_more() -> None:
    replies = {f"/{n}": redirect(f"/{n + 1}") for n in range(11)} | {"/11": PAGE}
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        assert len((await fetcher.fetch(asked(web.url("/1")))).chain) == 10
        with pytest.raises(TooManyRedirects):
            await fetcher.fetch(asked(web.url("/0")))


@pytest.mark.parametrize("location", ["ftp://a.test/", "javascript:alert(1)", "http://[", "file:///etc/passwd"])
async def test_a_redirect_out_of_the_web_is_refused(location) -> None:
    async with origin({"/": redirect(location)}) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(InvalidUrl) as caught:
            await fetcher.fetch(asked(web.url("/")))
    assert caught.value.details["url"] == web.url("/")


async def test_a_redirect_to_a_private_address_is_never_dialled() -> None:
    async with origin({"/": redirect("http://10.0.0.1/")}) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(AddressDenied) as caught:
            await fetcher.fetch(asked(web.url("/")))
    assert caught.value.details["url"] == "http://10.0.0.1/"
    assert [hop.target for hop in chain_of(caught.value)] == ["http://10.0.0.1/"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, HttpStatus), (304, HttpStatus), (300, HttpStatus), (408, ServerError), (500, ServerError)],
)
async def test_a_status_is_the_outcome_that_the_table_names(status, error) -> None:
    async with origin({"/": reply(status, b"x")}) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(error) as caught:
            await fetcher.fetch(asked(web.url("/")))
    assert caught.value.details["status"] == str(status)
    assert caught.value.details["url"] == web.url("/")


@pytest.mark.parametrize(
    ("header", "delay_ms"), [("Retry-After: 7", 7_000), ("X-Nothing: 1", 60_000), ("Retry-After: 99999999", 86_400_000)]
)
async def test_429_and_503_defer_by_what_the_server_asks(header, delay_ms) -> None:
    limiter = OpenLimiter()
    async with origin({"/": reply(503, b"", header)}) as web, fetching(web.port, limiter) as (fetcher, _):
        with pytest.raises(RetryAfter) as caught:
            await fetcher.fetch(asked(web.url("/")))
    assert caught.value.delay_ms == delay_ms
    assert limiter.told[-1].status == 503
    assert limiter.told[-1].retry_after_ms == (delay_ms if "Retry" in header else None)


async def test_a_wrong_type_is_refused_and_a_wanted_one_is_not() -> None:
    image = reply(200, b"\x89PNG\r\n\x1a\n", media_type="image/png")
    async with origin({"/i": image}) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(WrongType) as caught:
            await fetcher.fetch(asked(web.url("/i")))
        assert caught.value.details["media_type"] == "image/png"
        assert (await fetcher.fetch(asked(web.url("/i"), accept=("image/*",)))).media_type == "image/png"


async def test_a_missing_content_type_is_sniffed() -> None:
    bare = b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n <!DOCTYPE html><p>hi!"
    png = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\x89PNG\r\n\x1a\n"
    async with origin({"/": bare, "/png": png}) as web, fetching(web.port) as (fetcher, _):
        assert (await fetcher.fetch(asked(web.url("/")))).media_type == "text/html"
        with pytest.raises(WrongType):
            await fetcher.fetch(asked(web.url("/png")))


async def test_a_conditional_get_is_answered_by_304_without_content() -> None:
    async with origin({"/": reply(304), "/r": redirect("/")}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/"), if_none_match='"v1"', if_modified_since="then"))
        assert (result.status, result.content) == (304, b"")
        with pytest.raises(HttpStatus):
            await fetcher.fetch(asked(web.url("/r"), if_none_match='"v1"'))
    sent = [seen.headers for seen in web.seen if seen.target != "/robots.txt"]
    assert sent[0]["if-none-match"] == '"v1"' and sent[0]["if-modified-since"] == "then"
    assert "if-none-match" not in sent[-1], "validators belong to the URL asked for, not to its redirect's target"


async def test_robots_decide_before_a_page_is_requested() -> None:
    robots = reply(200, b"User-agent: other\nDisallow: /\n\nUser-agent: aragog\nDisallow: /no\n")
    replies = {"/robots.txt": robots, "/yes": PAGE, "/hop": redirect("/no")}
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        assert (await fetcher.fetch(asked(web.url("/yes")))).robots.group == "aragog"
        with pytest.raises(RobotsDenied) as caught:
            await fetcher.fetch(asked(web.url("/hop")))
    assert caught.value.details["line"] == "5"
    assert caught.value.details["rule"] == "disallow: /no"
    assert caught.value.details["url"] == web.url("/no")
    assert web.targets() == ["/yes", "/hop"]


async def test_gzip_is_undone_and_sizes_are_told() -> None:
    body = gzip.compress(b"<p>" + b"a" * 5000)
    async with origin({"/": reply(200, body, "Content-Encoding: gzip")}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/")))
    assert len(result.content) == 5003 and result.wire_bytes == len(body)
    assert web.seen[-1].headers["accept-encoding"] == "gzip, deflate, br, zstd"


async def test_content_over_the_callers_cap_is_cut_and_flagged() -> None:
    async with origin({"/": reply(200, b"x" * 100_000)}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/"), max_bytes=1000))
    assert len(result.content) == 1000 and result.flags == ("truncated",)


async def test_no_slot_defers_with_the_chain_so_far_and_resumes_there() -> None:
    limiter = OpenLimiter()
    refused = Grant(False, 0.0, 1234.0, 100.0, "no_slot")
    async with origin({"/1": redirect("/2"), "/2": PAGE}) as web, fetching(web.port, limiter) as (fetcher, _):
        await fetcher.fetch(asked(web.url("/2")))
        limiter.grants = [Grant(True, 0.0, 0.0, 1.0), refused]
        with pytest.raises(NoSlot) as caught:
            await fetcher.fetch(asked(web.url("/1")))
        assert caught.value.delay_ms == 1234
        chain = chain_of(caught.value)
        assert [hop.target for hop in chain] == [web.url("/2")]
        result = await fetcher.fetch(asked(web.url("/1"), resume=chain))
    assert result.chain == chain and result.url == web.url("/2")
    assert web.targets() == ["/2", "/1", "/2"], "the hop behind us is not asked again"


async def test_a_chain_deferred_ten_times_shows_one_request_in_the_shorteners_log() -> None:
    limiter, refused = OpenLimiter(), Grant(False, 0.0, 5.0, 100.0, "no_slot")
    replies = {"short.test /x": redirect("http://page.test/"), "page.test /": PAGE}
    async with origin(replies) as web, fetching(web.port, limiter) as (fetcher, _):
        await fetcher.fetch(asked("http://page.test/"))
        web.seen.clear()
        granted = Grant(True, 0.0, 0.0, 1.0)
        limiter.grants = [granted, granted, *[refused] * 10]  # robots.txt of the shortener, its answer, then the page
        chain, deferred = (), 0
        while True:
            try:
                result = await fetcher.fetch(asked("http://short.test/x", resume=chain))
                break
            except NoSlot as error:
                chain, deferred = chain_of(error), deferred + 1  # type: ignore[assignment]  # a test's business
    assert deferred == 10 and result.url == "http://page.test/"
    assert [(seen.host, seen.target) for seen in web.seen] == [
        ("short.test", "/robots.txt"),
        ("short.test", "/x"),
        ("page.test", "/"),
    ]
    assert result.chain == chain and (chain[0].status, chain[0].peer) == (302, "127.0.0.1")  # type: ignore[misc]  # a lambda with a default, or a tuple
    assert chain[0].began_ms > 0 and chain[0].latency_ms > 0  # type: ignore[misc]  # a lambda with a default, or a tuple


async def test_neither_cookies_nor_credentials_are_ever_sent() -> None:
    replies = {
        "a.test /": redirect("http://user:secret@b.test/")[:-2] + b"Set-Cookie: id=1; Domain=test\r\n\r\n",
        "b.test /": PAGE,
    }
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked("http://me:mine@a.test/"))
    assert result.url == "http://b.test/"
    assert not [seen for seen in web.seen if seen.headers.keys() & {"cookie", "authorization"}]


async def test_a_held_host_defers() -> None:
    limiter = OpenLimiter([Grant(False, 0.0, 9000.0, 100.0, "held")])
    async with origin({"/": PAGE}) as web, fetching(web.port, limiter) as (fetcher, _):
        with pytest.raises(HostHeld) as caught:
            await fetcher.fetch(asked(web.url("/")))
    assert caught.value.delay_ms == 9000 and web.seen == []


async def test_what_does_not_resolve_or_connect_is_unavailable() -> None:
    async with origin({}) as web:
        port = web.port
    async with fetching(port) as (fetcher, _):
        with pytest.raises(ConnectFailure):
            await fetcher.fetch(asked(f"http://127.0.0.1:{port}/"))
        with pytest.raises(DnsFailure):
            await fetcher.fetch(asked("http://nowhere.invalid/"))


@pytest.mark.parametrize("url", ["http://", "ftp://a.test/", "nonsense", "http://a.test:99999/"])
async def test_what_is_no_url_is_refused_without_naming_a_request_form(url) -> None:
    async with fetching(1) as (fetcher, _):
        with pytest.raises(InvalidUrl) as caught:
            await fetcher.fetch(asked(url))
    assert "url" not in caught.value.details


async def test_nothing_leaves_loopback_without_a_contact() -> None:
    async with fetching(1, user_agent="Aragog/0.1") as (fetcher, transport):
        with pytest.raises(BadConfiguration, match="contact"):
            await fetcher.fetch(asked("http://8.8.8.8/"))
        assert transport.open_connections == 0


async def test_a_link_header_claims_a_canonical_url() -> None:
    links = ('Link: <next>; rel=next, </home>; foo; rel="canonical x"', "Link: <javascript:0>; rel=canonical")
    page = reply(200, b"<p>", *links)
    async with origin({"/a/b": page}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/a/b")))
    assert [(claim.source, claim.url) for claim in result.claims] == [("header", web.url("/home"))]


async def test_a_meta_refresh_without_delay_is_a_hop_and_a_tag_claims_too() -> None:
    refresh = reply(200, b'<meta http-equiv=refresh content="0; url=/b">')
    here = reply(200, b'<link rel=canonical href="/c"><meta http-equiv=refresh content="0; url=/b">')
    async with origin({"/a": refresh, "/b": here}) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/a")))
    assert [(hop.url, hop.status, hop.target, hop.kind) for hop in result.chain] == [
        (web.url("/a"), 200, web.url("/b"), "meta")
    ]
    assert [(claim.source, claim.url) for claim in result.claims] == [("tag", web.url("/c"))]
