"""Facts beside the content: the use of time, TLS, types, charsets, sizes, the slot."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.integration.fetcher.certificates import server_context
from tests.support.loopback_fetcher import asked, fetching
from tests.support.open_limiter import OpenLimiter
from tests.support.raw_origin import origin, reply
from thrift_idl.gen.ratelimiter.ttypes import Grant

PAGE = reply(200, b"<html>hello</html>")


async def test_a_result_tells_where_the_time_went_and_what_it_was_sent_on() -> None:
    limiter = OpenLimiter([Grant(True, 0.0, 0.0, 1.0), Grant(True, 30.0, 0.0, 100.0)])
    async with origin({"/": PAGE}) as web, fetching(web.port, limiter) as (fetcher, _):
        new = await fetcher.fetch(asked(web.url("/")))
        kept = await fetcher.fetch(asked(web.url("/")))
    assert new.timing.slot_ms >= 30 and new.waited_ms == new.timing.slot_ms
    assert new.timing.first_byte_ms > 0 and new.timing.first_byte_ms + new.timing.body_ms == pytest.approx(
        new.latency_ms
    )
    assert (kept.timing.connect_ms, kept.timing.tls_ms, kept.tls) == (0.0, 0.0, None)
    assert (new.slot.domain, new.slot.taken, new.slot.interval_ms) == ("127.0.0.1", 1, 100.0)


async def test_a_new_connection_tells_what_connecting_and_tls_took_and_agreed_on(tmp_path) -> None:
    server, client = server_context(tmp_path, "good.test")
    async with origin({"/": PAGE}, ssl=server) as web, fetching(web.port, tls=client) as (fetcher, _):
        url = f"https://good.test:{web.port}/"
        first = await fetcher.fetch(asked(url))  # on the connection of its robots.txt
        for writer in list(web.open):
            writer.transport.abort()
        await asyncio.sleep(0.05)
        second = await fetcher.fetch(asked(url))
    assert first.timing.connect_ms == 0 < min(second.timing.connect_ms, second.timing.tls_ms)
    assert first.tls == second.tls
    assert (second.tls.version, second.tls.issuer) == ("TLSv1.3", "good.test")
    left_ms = second.tls.not_after_ms - second.began_ms
    assert second.tls.cipher.startswith("TLS_") and 0 < left_ms <= 86_400_000


async def test_types_charsets_and_sizes_are_told_as_declared_sniffed_and_counted() -> None:
    html = b"\xef\xbb\xbf<!doctype html><p>" + b"a" * 5_000
    replies = {
        "/lies": reply(200, b"\x89PNG\r\n\x1a\n", media_type="Text/HTML; charset=Latin1"),
        "/page": reply(200, gzip.compress(html), "Content-Encoding: gzip"),
        "/meta": reply(200, b"<!doctype html><meta charset=koi8-r><p>"),
    }
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        lies, page, meta = [await fetcher.fetch(asked(web.url(path))) for path in replies]
    assert (lies.declared_type, lies.sniffed_type, lies.media_type) == ("text/html", "image/png", "text/html")
    assert (lies.charset, lies.sniffed_charset) == ("latin1", "")
    assert (page.codings, page.content_bytes, page.wire_bytes) == (("gzip",), len(html), len(gzip.compress(html)))
    assert (page.sniffed_charset, meta.sniffed_charset) == ("utf-8", "koi8-r")


async def test_a_call_waits_for_a_slot_no_longer_than_the_server_allows_any() -> None:
    limiter = OpenLimiter()
    async with origin({"/": PAGE}) as web, fetching(web.port, limiter, most_wait_ms=5_000) as (fetcher, _):
        for wanted in (None, 0, 2_000, 10**9):
            await fetcher.fetch(asked(web.url("/"), max_wait_ms=wanted))
    assert [each.max_wait_ms for each in limiter.reserved] == [1_000, 1_000, 0, 2_000, 5_000]


async def test_where_a_page_says_it_lives_is_claimed_with_its_evidence() -> None:
    html = b'<link rel=canonical href="/tag"><meta property="og:url" content="/og">'
    replies = {"/": reply(200, html, 'Link: </header>; rel="canonical"')}
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        result = await fetcher.fetch(asked(web.url("/")))
    claims = [(claim.source, claim.url.removeprefix(web.url(""))) for claim in result.claims]
    assert claims == [("header", "/header"), ("tag", "/tag"), ("og", "/og")]
