from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest

from tests.unit.testweb.conftest import Ask
from testweb import SampleWeb
from testweb.accesslog import read_log


async def test_sites_are_told_apart_by_the_host_header(ask: Ask) -> None:
    assert "<title>Kitchen Notes" in (await ask("http://kitchen.test/")).text
    assert "<title>Spade" in (await ask("http://shop.test/")).text
    assert (await ask("http://nobody.test/")).status_code == 421


async def test_every_listed_url_and_image_is_answered_as_its_table_says(web: SampleWeb, ask: Ask) -> None:
    for url in [*web.urls(), *web.images()]:
        host, _, path = url.removeprefix("http://").partition("/")
        rule = web.sites[host].rules["/" + path].at(0)
        web.reset()
        reply = await ask(url)
        if web.sites[host].dead:
            assert reply.status_code == 421
        elif rule.fails_first:
            assert reply.status_code == rule.fails_first.status
        else:
            assert reply.status_code == rule.status, url
            assert reply.headers.get("content-type", "") == (rule.type or ""), url
            assert rule.nonce is not None or reply.content == rule.content, url


async def test_a_head_request_gets_the_headers_alone(ask: Ask) -> None:
    reply = await ask("http://garden.test/articles/compost", "HEAD")
    assert (reply.status_code, reply.headers["content-length"], reply.content) == (200, "2143", b"")


async def test_other_methods_and_unknown_paths_are_refused(ask: Ask) -> None:
    assert (await ask("http://garden.test/", "DELETE")).status_code == 405
    assert (await ask("http://garden.test/nowhere")).status_code == 404


async def test_the_log_tells_what_was_asked_in_order(web: SampleWeb, ask: Ask) -> None:
    before_ms = time.time_ns() / 1e6
    await ask("http://garden.test/search?q=soil", user_agent="tester/1")
    await ask("http://kitchen.test/robots.txt", "HEAD", user_agent="tester/2")
    first, second = web.log
    assert (first.host, first.method, first.path) == ("garden.test", "GET", "/search?q=soil")
    assert (first.status, first.user_agent, first.url) == (200, "tester/1", "http://garden.test/search?q=soil")
    assert (second.method, second.path, second.status) == ("HEAD", "/robots.txt", 404)
    assert before_ms <= first.t_ms <= second.t_ms <= time.time_ns() / 1e6


async def test_a_slow_answer_is_logged_when_its_request_was_read(web: SampleWeb, ask: Ask) -> None:
    assert web.sites["news.test"].rules["/slow"].delay_ms == 1_500
    asking = asyncio.create_task(ask("http://news.test/slow"))  # type: ignore[arg-type, var-annotated]  # a test's business
    while not len(web.log):
        await asyncio.sleep(0.01)
    assert not asking.done()
    assert (await asking).status_code == 200


async def test_the_log_file_has_the_same_entries_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    async with SampleWeb(log_file=path) as web:
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(b"GET / HTTP/1.0\r\nHost: garden.test\r\n\r\n")
        await reader.read()
        writer.close()
        assert read_log(path) == list(web.log)
        assert set(json.loads(path.read_text())) == {"t_ms", "host", "method", "path", "status", "user_agent"}


async def test_validators_answer_304_only_while_they_match(web: SampleWeb, ask: Ask) -> None:
    tag = (await ask("http://news.test/headlines")).headers["etag"]
    same = await ask("http://news.test/headlines", if_none_match=f'"other", W/{tag}')
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    web.advance()
    assert (await ask("http://news.test/headlines", if_none_match=tag)).status_code == 200
    dated = (await ask("http://news.test/weather")).headers["last-modified"]
    assert (await ask("http://news.test/weather", if_modified_since=dated)).status_code == 304
    early = "Sat, 28 Feb 2026 06:00:00 GMT"
    assert (await ask("http://news.test/weather", if_modified_since=early)).status_code == 200
    assert (await ask("http://news.test/weather", if_modified_since="yesterday")).status_code == 200


async def test_a_nonce_differs_at_every_request_and_repeats_after_a_reset(web: SampleWeb, ask: Ask) -> None:
    first, second = [(await ask("http://news.test/letter")).text for _ in range(2)]
    assert first != second
    assert len(first) == len(second)
    web.reset()
    assert (await ask("http://news.test/letter")).text == first


async def test_429_comes_twice_then_200(web: SampleWeb, ask: Ask) -> None:
    replies = [await ask("http://busy.test/counter") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [429, 429, 200, 200]
    assert [reply.headers.get("retry-after") for reply in replies] == ["1", "1", None, None]
    for _ in range(3):
        assert (await ask("http://full.test/limit")).status_code == 429
        assert (await ask("http://tired.test/always")).status_code == 503


async def test_pages_change_with_the_epoch_and_never_with_retries(web: SampleWeb, ask: Ask) -> None:
    seen = []
    for epoch in range(4):
        web.set_epoch(epoch)
        poll = {(await ask("http://news.test/poll")).text for _ in range(3)}
        assert len(poll) == 1
        swaps = [(await ask(f"http://moves.test/swap-{name}")).status_code for name in "pq"]
        seen.append(("tulips" in poll.pop(), swaps, (await ask("http://moves.test/later")).status_code))
    assert seen == [(True, [302, 200], 302), (False, [200, 302], 200), (True, [302, 200], 200), (True, [302, 200], 200)]


async def test_gzip_is_for_those_who_accept_it(ask: Ask) -> None:
    url = "http://films.test/film/lighthouse"
    packed, plain = await ask(url, accept_encoding="gzip"), await ask(url, accept_encoding="identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content


async def test_other_processes_control_it_over_control_test(web: SampleWeb, ask: Ask) -> None:
    await ask("http://control.test/-/epoch/7", "POST")
    assert web.epoch == 7
    await ask("http://control.test/-/advance", "POST")
    assert web.epoch == 8
    await ask("http://garden.test/")
    (line,) = (await ask("http://control.test/-/log")).text.splitlines()
    assert json.loads(line)["host"] == "garden.test"
    assert (await ask("http://control.test/-/reset", "POST")).text == "epoch 0\n"
    assert (web.epoch, len(web.log)) == (0, 0)
    assert (await ask("http://control.test/-/reset")).status_code == 404


async def test_the_mapping_leads_the_dead_host_to_a_port_that_refuses(web: SampleWeb) -> None:
    assert list(web.connect_to) == ["dead.test", "*.test"]
    host, _, port = web.connect_to["dead.test"].partition(":")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01", b"400"),  # a TLS hello
        (b"GET http://garden.test/ HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/2\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", b"431"),
    ],
)
async def test_what_is_no_request_is_refused_unlogged_and_the_connection_closed(
    web: SampleWeb, sent: bytes, status: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(sent)
    line = await reader.readline()
    assert line.split()[1] == status
    writer.close()
    assert len(web.log) == 0


async def test_one_connection_serves_many_requests_pipelined_too(web: SampleWeb) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    one = b"HEAD / HTTP/1.1\r\nHost: garden.test:80\r\nContent-Length: 2\r\n\r\nhi"
    writer.write(one * 3 + one.replace(b"Content", b"Connection: close\r\nContent"))
    assert (await reader.read()).count(b"HTTP/1.1 200 OK") == 4
    writer.close()
    assert {access.host for access in web.log} == {"garden.test"}


async def test_it_stops_with_connections_open_and_answers_under_way() -> None:
    web = SampleWeb()
    await web.start()
    port = web.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /slow HTTP/1.1\r\nHost: news.test\r\n\r\n")
    while not len(web.log):
        await asyncio.sleep(0.01)
    await web.stop()
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = SampleWeb(taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await web.start()
