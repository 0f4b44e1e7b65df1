"""Facts that a fetch reports to its user, and several fetchers that share the web."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from aragog.assembly.fetching import fetcher_client
from aragog.settings import load
from fetcher.batch import fetch_batch
from tests.support.processes import run_aragog, service
from tests.support.small_web import Page, SmallWeb, small_web
from thrift_idl.errors import HttpStatus
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchRequest

HOSTS = [f"h{number}.test" for number in range(6)]
CONTEXT = Context("test")


@pytest.fixture
def web() -> Iterator[SmallWeb]:
    pages = {f"{host}/{name}": Page(f"<title>{name} of {host}</title>") for host in HOSTS for name in ("1", "2", "3")}
    with small_web(pages) as served:
        yield served


def fetched(env: Mapping[str, str], *urls: str) -> list[dict[str, Any]]:
    done = run_aragog(env, "fetch", "--json", *urls)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_fetch_shows_all_that_came_back_but_the_content(web: SmallWeb, tmp_path: Path) -> None:
    web.pages["h0.test/moved"] = Page(status=302, location="http://h1.test/1")
    (shown,) = fetched(web.settings(tmp_path), "http://h0.test/moved")
    facts = shown["fetch"]
    assert {"timing", "slot", "robots", "headers", "flags", "peer", "codings", "wire_bytes"} <= facts.keys()
    assert (facts["declared_type"], facts["sniffed_type"], shown["page"]["charset"]) == (
        "text/html",
        "text/html",
        "utf-8",
    )
    assert set(facts["timing"]) == {
        *("queue_ms", "slot_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "body_ms")
    }
    assert facts["slot"]["domain"] == "h1.test" and facts["content_bytes"] == facts["wire_bytes"] > 0
    assert "content" not in facts and "tls" not in facts
    (hop,) = shown["chain"]
    assert (hop["url"], hop["status"], hop["peer"]) == ("http://h0.test/moved", 302, "127.0.0.1")
    assert hop["began_ms"] > 0 and hop["latency_ms"] > 0


async def test_several_fetchers_share_origins_and_stand_in_for_one_that_is_gone(web: SmallWeb, tmp_path: Path) -> None:
    with ExitStack() as stack:
        limiter = stack.enter_context(service(web.settings(tmp_path / "limiter"), "ratelimiter"))
        first, second = (
            service(web.settings(tmp_path / name, ratelimiter_service=limiter), "fetcher") for name in ("one", "two")
        )
        addresses = [stack.enter_context(second)]
        with first as address:
            addresses.append(address)
            env = web.settings(tmp_path / "client", fetcher_service=",".join(addresses), ratelimiter_service=limiter)
            urls = [f"http://{host}/{name}" for host in HOSTS for name in ("1", "2", "none")]
            await _all(env, urls)
            robots = Counter(url for url, _ in web.log if url.endswith("robots.txt"))
            assert robots == {f"{host}/robots.txt": 1 for host in HOSTS}, "each origin has one fetcher"
        await _all(env, [f"http://{host}/3" for host in HOSTS])
    assert len(web.asked()) == len(HOSTS) * 4


async def _all(env: Mapping[str, str], urls: list[str]) -> None:
    """Fetch `urls` as one batch over Thrift."""
    ended: dict[str, object] = {}
    async with fetcher_client(load(env)) as fetcher:
        async for each in fetch_batch(fetcher, [FetchRequest(CONTEXT, url, max_wait_ms=20_000) for url in urls]):
            ended[each.request.url] = each.result or each.error
    assert ended.keys() == set(urls)
    for url, end in ended.items():
        assert isinstance(end, HttpStatus) == url.endswith("none"), end
