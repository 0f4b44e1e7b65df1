"""A data directory of each released format is opened, converted where it has to be, and has everything in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from aragog.assembly.rekeying import rekey_of
from aragog.assembly.storing import store_of
from aragog.settings import load
from crawler.job.follow_up_jobs import followed_up
from recommender_hooks.events.publish_mark import PublishMarks
from recommender_hooks.images import image_state
from tests.support import stored_web as web
from tests.support.processes import environment, run_aragog
from tests.support.small_web import Page, SmallWeb, small_web
from tests.support.stored_formats import ARCHIVES, entries, places_in, states, unpacked
from tests.support.urlstore_requests import CONTEXT, content_of, get_attributes, inlinks_of, look
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Page as StoredPage
from weburl import url_key
from weburl.earlier_key_versions import earlier_keys

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name)
def data_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return unpacked(request.param, tmp_path / "data")


@pytest.fixture
async def store(data_dir: Path) -> AsyncIterator[UrlStore]:
    """The store, converted."""
    settings = load(environment(data_dir=str(data_dir)))
    async with rekey_of(settings, lambda _: None) as conversion:
        await conversion.run()
    async with store_of(settings) as opened:
        yield opened


async def page_of(store: UrlStore, url: str) -> StoredPage:
    row = (await store.lookup(look(url))).row
    assert row is not None and row.page is not None, url
    return row.page


async def test_every_page_is_found_with_its_content_its_mark_and_its_links(store: UrlStore) -> None:
    for url in (*web.PAGES_OF_SITE, web.LATER_SEED):
        page = await page_of(store, url)
        assert page.url == url
        served = web.PAGES[url.removeprefix("http://")]["content"]
        assert (await store.get_content(content_of(url))).content == served.encode()
        done = await followed_up(store, PublishMarks(store), page, CONTEXT)
        assert (done.published, done.linked) == (True, True), url


async def test_content_stays_where_it_is(store: UrlStore) -> None:
    page = await page_of(store, web.LISTED)
    assert page.content_key.startswith(earlier_keys(web.LISTED, 1)[0].hex())


async def test_a_page_that_shared_a_key_with_another_belongs_to_its_own_url_alone(store: UrlStore) -> None:
    found = await store.lookup(look(web.OTHER))
    assert (found.row, found.aliases) == (None, ())
    assert await store.get_attributes(get_attributes(web.OTHER)) == ()
    assert [each.name for each in await store.get_attributes(get_attributes(web.LISTED, "team"))] == ["note"]


async def test_inlinks_lead_to_the_urls_that_pages_name(store: UrlStore) -> None:
    async def sources(url: str) -> set[str]:
        return {inlink.url for inlink in (await store.inlinks(inlinks_of(url))).inlinks}

    assert await sources(web.LISTED) == {web.SEED, web.PLAIN}
    assert await sources(web.OTHER) == {web.SEED}
    assert await sources(web.SEED) == {web.LISTED, web.TARGET, web.DOTS}
    assert await sources(web.TARGET) == {web.SEED, web.LISTED, web.PLAIN}, "those of its alias, too"
    assert await sources(web.SECRET) == {web.SEED}
    assert await sources(web.WAITING[0]) == {web.LATER_SEED}


async def test_aliases_and_outcomes_are_found(store: UrlStore) -> None:
    moved = await store.lookup(look(web.MOVED))
    assert moved.aliases == (web.MOVED,)
    assert moved.row is not None and moved.row.url == web.TARGET
    codes = {}
    for url in (web.SECRET, web.BROKEN, *web.WAITING):
        row = (await store.lookup(look(url))).row
        assert row is not None and row.outcome is not None, url
        codes[url] = row.outcome.code
    assert (codes[web.SECRET], codes[web.BROKEN]) == ("robots_denied", "server_error")


async def test_images_keep_their_states(store: UrlStore) -> None:
    for url in (web.IMAGE, web.PLAIN_IMAGE):
        (attribute,) = await store.get_attributes(get_attributes(url, image_state.NAMESPACE))
        state = image_state.decode(attribute)
        assert state is not None and state.signals is not None and state.url == url


async def test_frontier_entries_lie_under_the_keys_of_today(store: UrlStore, data_dir: Path) -> None:
    keys = {url_key(url) for url in web.URLS}
    for found in (await entries(places_in(data_dir)[1])).values():
        assert states(found).keys() <= keys


async def test_a_frontier_that_stayed_behind_is_converted_beside_a_store_of_today(
    store: UrlStore, data_dir: Path, request: pytest.FixtureRequest
) -> None:
    places = places_in(data_dir)
    converted = await entries(places[1])
    behind = unpacked(request.node.callspec.params["data_dir"], data_dir.parent / "behind")
    shutil.copy(behind / "frontier.sqlite", data_dir / "frontier.sqlite")
    settings = load(environment(data_dir=str(data_dir)))
    for moved in (True, False):
        async with rekey_of(settings, lambda _: None) as conversion:
            report = await conversion.run()
            assert (report.frontier_entries > 0, report.moved) == (moved, 0)
    assert await entries(places[1]) == converted


# --- as commands ---


@dataclass(frozen=True, slots=True)
class Served:
    """The web again, with nothing that keeps a page from being fetched, and the settings that reach it."""

    web: SmallWeb
    env: Mapping[str, str]

    def crawl(self, *arguments: str) -> dict[str, object]:
        done = run_aragog(self.env, "crawl", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        ended: dict[str, object] = json.loads(done.stdout)
        return ended


@pytest.fixture
def served(data_dir: Path) -> Iterator[Served]:
    answering = {
        url: Page(**(fields | {"status": 200})) for url, fields in web.PAGES.items() if "location" not in fields
    }
    moved = {url: Page(**fields) for url, fields in web.PAGES.items() if "location" in fields}
    with small_web(answering | moved) as pages:
        yield Served(pages, pages.settings(data_dir, crawl_max_tries="1", events_image_tries="1"))


def published(data_dir: Path) -> list[str]:
    return sorted(json.loads(line)["url"] for line in (data_dir / "events.jsonl").read_text().splitlines())


def test_what_is_to_be_converted_says_so_and_crawls_go_on_afterwards_with_nothing_fetched_or_published_twice(
    served: Served, data_dir: Path
) -> None:
    before = published(data_dir)
    for command in (("lookup", web.SEED), ("crawl", "ls"), ("store", "export"), ("crawl", web.LATER_SEED)):
        refused = run_aragog(served.env, *command)
        assert refused.returncode == 1
        assert "run `aragog store rekey`" in refused.stderr and "Traceback" not in refused.stderr
    counted = json.loads(run_aragog(served.env, "store", "rekey", "--dry-run", "--json").stdout)
    done = run_aragog(served.env, "store", "rekey", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["moved"] == counted["moved"] > 0
    assert "nothing to do" in run_aragog(served.env, "store", "rekey").stdout

    ended = served.crawl(web.LATER_SEED)
    assert (ended["state"], ended["open"], ended["pages"]) == ("done", 0, 4)
    assert sorted(served.web.asked()) == sorted(url.removeprefix("http://") for url in web.WAITING)
    assert published(data_dir) == sorted([*before, *web.WAITING])

    served.web.log.clear()
    assert served.crawl(web.SEED)["state"] == "done"
    assert served.web.asked().count("shop.test/list?page=1&page=2") == 1, "it is a page of its own now"
    news = [*web.WAITING, web.OTHER, web.BROKEN]
    news.append(web.SEED)  # its record is another: the link to `DOTS` is read without its dots now
    assert published(data_dir) == sorted([*before, *news]), "no page is published again"


def test_a_failed_url_of_an_old_crawl_is_retried(served: Served, data_dir: Path) -> None:
    assert run_aragog(served.env, "store", "rekey").returncode == 0
    crawls = map(json.loads, run_aragog(served.env, "crawl", "ls", "--json").stdout.splitlines())
    (crawl_id,) = [crawl["id"] for crawl in crawls if crawl["state"] == "done"]
    failed = run_aragog(served.env, "crawl", "show", "--failed", "--json", crawl_id).stdout.splitlines()
    assert [json.loads(line)["url"] for line in failed] == [web.BROKEN]
    retried = run_aragog(served.env, "crawl", "retry", crawl_id)
    assert retried.returncode == 0, retried.stderr
