"""`aragog crawl --revisit`: stored pages that are due are visited again, the others are left alone."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from aragog.assembly.storing import store_of
from aragog.settings import load
from tests.support.processes import run_aragog, service, start_aragog, stop
from tests.support.small_web import Page, SmallWeb, small_web
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchResult, Header
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.urlstore.ttypes import LookupRequest, Outcome, PutOutcomeRequest, PutPageRequest, UrlRow

CONTEXT = Context("test")
HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture
def web() -> Iterator[SmallWeb]:
    with small_web({}) as served:
        yield served


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def put(env: Mapping[str, str], url: str, age_ms: int, etag: str = "", title: str = "old") -> None:
    """A page as a visit of that age would have stored it."""
    fetched = FetchResult(
        url=url,
        status=200,
        headers=(Header("etag", etag),) if etag else (),
        content=f"<title>{title}</title>".encode(),
        chain=(),
        media_type="text/html",
        began_ms=now_ms() - age_ms,
        latency_ms=1.0,
    )
    async with store_of(load(env)) as store:
        await store.put_page(PutPageRequest(CONTEXT, fetched, PageRecord(extractor_version=1, title=title)))


async def row(env: Mapping[str, str], url: str) -> UrlRow:
    async with store_of(load(env)) as store:
        found = (await store.lookup(LookupRequest(CONTEXT, url))).row
        assert found is not None
        return found


def revisit(env: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    done = run_aragog(env, "crawl", "--revisit", "--once", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else {}


async def test_what_is_due_is_asked_for_with_its_validators_and_the_interval_learns(
    web: SmallWeb, tmp_path: Path
) -> None:
    env = web.settings(tmp_path)
    await put(env, "http://a.test/same", 2 * DAY, '"v1"')
    await put(env, "http://a.test/changed", 2 * DAY, '"v1"')
    await put(env, "http://a.test/fresh", HOUR, '"v1"')
    web.pages |= {"a.test/same": Page(etag='"v1"'), "a.test/changed": Page("<title>new</title>", etag='"v2"')}
    ended = revisit(env)
    assert (ended["due"], ended["outcomes"]) == (2, {"unchanged": 1, "fetched": 1})
    assert sorted(entry for entry in web.log if not entry[0].endswith("robots.txt")) == [
        ("a.test/changed", '"v1"'),
        ("a.test/same", '"v1"'),
    ]
    same, changed = (await row(env, "http://a.test/same")).page, (await row(env, "http://a.test/changed")).page
    assert same and changed
    assert (same.revisit_ms, same.version) == (2 * DAY, 1)
    assert (changed.revisit_ms, changed.version) == (12 * HOUR, 2)
    web.log.clear()
    assert revisit(env) == {} and web.log == [], "nothing is due any more"


async def test_what_is_gone_is_visited_less_often_and_forgotten_in_the_end(web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path)
    for name, seen_ms, gone_ms in (("a", 3 * DAY, DAY), ("b", 10 * DAY, 2 * DAY), ("c", 200 * DAY, 100 * DAY)):
        url = f"http://a.test/{name}"
        await put(env, url, seen_ms)
        outcome = Outcome(family="refused", code="http_status", message="", at_ms=now_ms() - gone_ms, status=404)
        async with store_of(load(env)) as store:
            await store.put_outcome(
                PutOutcomeRequest(CONTEXT, url, outcome, answered=True, began_ms=now_ms() - gone_ms)  # type: ignore[call-arg]  # stubs have keywords only
            )
    # a: gone for two days when last asked, a day ago; b: for eight, two days ago; c: longer than anything is remembered
    assert revisit(env) == {}
    for url in ("http://a.test/d",):
        await put(env, url, 3 * DAY)
        async with store_of(load(env)) as store:
            began_ms = now_ms() - 3 * DAY // 2
            outcome = Outcome(family="refused", code="http_status", message="", at_ms=began_ms, status=404)
            await store.put_outcome(PutOutcomeRequest(CONTEXT, url, outcome, answered=True, began_ms=began_ms))  # type: ignore[call-arg]  # stubs have keywords only
    web.pages["a.test/d"] = Page("<title>back</title>")
    assert revisit(env)["outcomes"] == {"fetched": 1}
    assert web.asked() == ["a.test/d"]


async def test_seeds_name_the_set_that_is_kept_fresh(web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path)
    for host in ("a.test", "www.a.test", "b.test"):
        await put(env, f"http://{host}/x", 2 * DAY)
        web.pages[f"{host}/x"] = Page("<title>x</title>")
    assert revisit(env, "http://b.test/")["due"] == 1
    assert web.asked() == ["b.test/x"]
    assert revisit(env, "--scope", "domain", "http://a.test/")["due"] == 2


async def test_a_page_that_moved_is_followed_and_visited_no_more(web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path)
    await put(env, "http://a.test/old", 2 * DAY)
    web.pages |= {
        "a.test/old": Page(status=301, location="http://b.test/new"),
        "b.test/new": Page("<title>new</title><a href=/never>links of it are not followed</a>"),
    }
    assert revisit(env)["outcomes"] == {"redirected": 1, "fetched": 1}
    assert web.asked() == ["a.test/old", "b.test/new"]


@pytest.mark.torture
async def test_workers_of_their_own_do_rounds_and_crawls_from_sitemaps_too(web: SmallWeb, tmp_path: Path) -> None:
    env = web.settings(tmp_path / "data")
    with ExitStack() as stack:
        for name in ("ratelimiter", "urlstore", "pinlater", "fetcher"):
            env[f"ARAGOG_{name.upper()}_SERVICE"] = stack.enter_context(service(env, name))
        worker = start_aragog(env, "worker")
        stack.callback(stop, worker)
        assert worker.stdout and worker.stdout.readline() == "worker ready\n"
        web.pages |= {
            "a.test/sitemap.xml": Page("http://a.test/1\nhttp://a.test/2"),
            "a.test/1": Page("<title>1</title>"),
        }
        done = run_aragog(env, "crawl", "--json", "--sitemap", "auto", "http://a.test/1")
        assert json.loads(done.stdout)["outcomes"] == {"fetched": 1, "http_status": 1}, done.stderr
        await put(env, "http://a.test/old", 2 * DAY)
        web.pages["a.test/old"] = Page("<title>old</title>")
        assert revisit(env)["outcomes"] == {"fetched": 1}
    assert sorted(web.asked()) == ["a.test/1", "a.test/2", "a.test/old", "a.test/sitemap.xml"]


@pytest.mark.torture
async def test_rounds_follow_each_other_until_stopped_and_a_killed_one_is_gone_on_with(
    web: SmallWeb, tmp_path: Path
) -> None:
    env = web.settings(tmp_path)
    for number in range(3):
        await put(env, f"http://a.test/{number}", DAY - 4_000 + 1_500 * number)  # due 1, 2.5 and 4 seconds from now
        web.pages[f"a.test/{number}"] = Page(f"<title>{number}</title>")
    for ending in (9, 15):
        process = start_aragog(env, "crawl", "--revisit", "--round-ms", "2000", "--lock-wait-ms", "10000")
        try:
            _until(lambda least=1 if ending == 9 else 3: len(web.asked()) >= least, process)
        finally:
            stop(process, ending)
    assert sorted(set(web.asked())) == ["a.test/0", "a.test/1", "a.test/2"]


def _until(holds: Any, process: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.1)
