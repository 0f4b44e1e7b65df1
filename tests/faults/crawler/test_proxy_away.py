"""The egress proxy goes away in the middle of a crawl, and comes back: it is waited for, and no URL has failed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from aragog.settings import load
from tests.faults.crawler.in_process import Faults, crawl_here
from tests.support.processes import run_aragog
from tests.support.small_web import Page, small_web
from tests.support.tunnel_proxy import tunnelling

HOME = "http://a.test/"
PAGES = 40


async def test_a_crawl_waits_for_its_proxy_and_no_url_fails(tmp_path: Path) -> None:
    links = "".join(f"<a href=/{n}>{n}</a><a href=http://h{n % 5}.a.test/{n}>{n}</a>" for n in range(PAGES))
    pages = {f"a.test/{n}": Page(f"<title>{n}</title>") for n in range(PAGES)}
    pages |= {f"h{n % 5}.a.test/{n}": Page(f"<title>{n}</title>") for n in range(PAGES)}
    pages["a.test/"] = Page(f"<title>home</title>{links}")
    with small_web(pages) as web:
        async with tunnelling() as through:
            env = web.settings(tmp_path / "data", fetcher_proxy=f"http://127.0.0.1:{through.port}")
            async with crawl_here(load(env | {"ARAGOG_RATELIMITER_QPS": "20"}), Faults("nowhere")) as crawl:
                working = asyncio.ensure_future(crawl.crawl(HOME, scope="domain"))
                while len(web.asked()) < 5:
                    await asyncio.sleep(0.02)
                await through.stop()
                while crawl.health.well:  # it is noticed...
                    await asyncio.sleep(0.02)
                assert "the proxy at 127.0.0.1" in crawl.health.last_error
                asked_by_then = len(web.log)
                await asyncio.sleep(1)
                assert len(web.log) == asked_by_then and not working.done()
                await through.start()  # ... and its return, too
                ended = await working
                assert await crawl.failed() == []
                assert ended.status.outcomes == {"fetched": 2 * PAGES + 1}
                assert set(web.asked()) == set(pages)


async def test_a_single_fetch_says_that_the_proxy_is_down_and_doctor_does(tmp_path: Path) -> None:
    async with tunnelling() as through:
        await through.stop()
        with small_web({"a.test/": Page("<title>home</title>")}) as web:
            env = web.settings(tmp_path / "data", fetcher_proxy=f"http://127.0.0.1:{through.port}")
            done = await asyncio.to_thread(run_aragog, env, "fetch", HOME)
            assert done.returncode == 1 and "[proxy_down]" in done.stderr, done.stderr
            looked_up = await asyncio.to_thread(run_aragog, env, "lookup", HOME)
            assert looked_up.returncode == 1, "nothing was recorded of the URL"
            told = await asyncio.to_thread(run_aragog, env, "doctor", "--json")
            found = json.loads(told.stdout)["findings"]
            assert [each["state"] for each in found if each["check"] == "proxy"] == ["failed"]
