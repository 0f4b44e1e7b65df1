"""A stored page to its event, over a real store and a real sink."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import fastjsonschema
import orjson
import pytest

from recommender_hooks.backends import EventSink
from recommender_hooks.backends.leases_redis import RedisLeases
from recommender_hooks.events.page_event import SCHEMA_FILE, Event, event_id
from recommender_hooks.events.publish_mark import PublishMarks, read_mark
from recommender_hooks.images.image_leases import ImageLeases, MemoryLeases
from recommender_hooks.images.image_signals import FUNCTION, IMPORTS, ImageError
from runtime.children import ChildPool, Done
from tests.integration.recommender_hooks.kit import Kit, kit_at
from tests.support.engines import REDIS
from tests.support.event_samples import CONTEXT, record
from thrift_idl.errors import BackendDown, ConnectFailure, NoSlot, RetryAfter
from thrift_idl.gen.fetcher.ttypes import FetchResult, Hop
from thrift_idl.gen.page.ttypes import Image
from thrift_idl.gen.urlstore.ttypes import GetAttributesRequest, LookupRequest, PutPageRequest
from thrift_idl.publishing import ImagesPending, Published, Skipped
from weburl import url_key

PAGE = "http://gallery.test/"
DUNES, LAGOON = "http://gallery.test/images/dunes.jpg", "http://gallery.test/images/lagoon.webp"
MOVED, LOST = "http://gallery.test/images/moved.jpg", "http://gallery.test/images/lost.jpg"
PRIVATE = "http://gallery.test/images/private/self.jpg"
DAY_MS = 86_400_000

valid = fastjsonschema.compile(orjson.loads(SCHEMA_FILE.read_bytes()))


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    async with kit_at(tmp_path) as made:
        yield made


async def state_of(kit: Kit, url: str) -> dict[str, object]:
    (attribute,) = await kit.store.get_attributes(GetAttributesRequest(CONTEXT, url, "image"))
    return orjson.loads(attribute.value)


async def test_a_page_becomes_one_event_with_the_signals_of_its_images_in_order(kit: Kit) -> None:
    await kit.put(PAGE, Image(LAGOON, "og"), Image(DUNES, "img", alt="Dunes"), Image(LAGOON, "css"))
    ending = await kit.publish(PAGE)
    (event,) = kit.events()
    assert ending == Published(event["event_id"], 2)
    assert event["event_id"] == event_id(url_key(PAGE), 1, 1)
    valid(event)
    assert [(image["url"], image["found"], image["phash"], image["alt"]) for image in event["images"]] == [
        (LAGOON, ["og", "css"], "d3e8996ea153ccc2", ""),
        (DUNES, ["img"], "e9b95086c65337c6", "Dunes"),
    ]
    assert (await state_of(kit, DUNES))["code"] == "fetched"


async def test_what_cant_be_fetched_or_is_no_image_is_recorded_and_left_out(kit: Kit) -> None:
    page_as_image = "http://gallery.test/dunes"
    await kit.put(PAGE, LOST, MOVED, PRIVATE, page_as_image)
    assert await kit.publish(PAGE) == Published(event_id(url_key(PAGE), 1, 1), 1)
    (event,) = kit.events()
    assert (event["images_named"], [image["served_by"] for image in event["images"]]) == (4, [DUNES])
    states = [(await state_of(kit, url))["code"] for url in (LOST, MOVED, PRIVATE, page_as_image)]
    assert states == ["http_status", "fetched", "robots_denied", "not_an_image"]


async def test_published_again_nothing_is_fetched_and_no_event_is_made(kit: Kit) -> None:
    await kit.put(PAGE, DUNES, LOST)
    await kit.publish(PAGE)
    assert await kit.publish(PAGE) == Skipped("published_before")
    assert (len(kit.events()), kit.fetcher.urls) == (1, {DUNES: 1, LOST: 1})


async def test_an_image_on_many_pages_is_fetched_once(kit: Kit) -> None:
    pages = [f"http://gallery.test/{n}" for n in range(5)]
    for url in pages:
        await kit.put(url, DUNES, PRIVATE)
    while any(isinstance(ending, ImagesPending) for ending in await asyncio.gather(*map(kit.publish, pages))):
        kit.clock.now_ms += 1_000
    assert kit.fetcher.urls == {DUNES: 1, PRIVATE: 1}
    assert [len(event["images"]) for event in kit.events()] == [1] * 5


class DeafSink:
    """Stores events and dies before it says so."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink

    async def publish(self, events: Sequence[Event]) -> None:
        await self._sink.publish(events)
        raise BackendDown("the acknowledgement was lost")

    async def close(self) -> None:
        await self._sink.close()


async def test_after_a_lost_acknowledgement_the_event_is_repeated_byte_for_byte_and_nothing_is_fetched(
    kit: Kit,
) -> None:
    await kit.put(PAGE, DUNES)
    with pytest.raises(BackendDown):
        await kit.another(sink=DeafSink(kit.sink)).publish(PAGE, CONTEXT)
    assert isinstance(await kit.publish(PAGE), Published)
    lines = Path(kit.url.removeprefix("file:///")).read_bytes().splitlines()
    assert len(lines) == 2 and lines[0] == lines[1]
    assert (len(kit.events()), kit.fetcher.urls) == (1, {DUNES: 1})


@pytest.mark.parametrize("wish", ["noimageindex", "noai", "noimageai"])
async def test_images_that_a_page_withholds_are_not_published_nor_fetched(kit: Kit, wish: str) -> None:
    await kit.put(PAGE, of=record(DUNES, robots=(wish,)))
    assert await kit.publish(PAGE) == Published(event_id(url_key(PAGE), 1, 1), 0)
    (event,) = kit.events()
    assert (valid(event)["images"], event["images_withheld"], event["images_named"]) == ([], [wish], 1)
    assert not kit.fetcher.asked


async def test_nopin_withholds_images_and_noindex_the_whole_page(kit: Kit) -> None:
    await kit.put(PAGE, of=record(DUNES, preferences=("nopin",)))
    await kit.publish(PAGE)
    hidden = "http://gallery.test/hidden"
    for words in (("noindex",), ("none",)):
        await kit.put(hidden, of=record(DUNES, robots=words, title=words[0]))
        kit.clock.now_ms += 1
        assert await kit.publish(hidden) == Skipped("noindex")
        assert await kit.publish(hidden) == Skipped("published_before")
        kit.clock.now_ms += 1
    assert [(event["url"], event["images_withheld"]) for event in kit.events()] == [(PAGE, ["nopin"])]
    assert not kit.fetcher.asked


async def test_a_nonce_makes_no_event_and_a_change_makes_one(kit: Kit) -> None:
    for content, title in ((b"1", "A"), (b"2", "A"), (b"3", "B"), (b"4", "A")):
        await kit.put(PAGE, content=content, of=record(title=title))
        await kit.publish(PAGE)
        kit.clock.now_ms += 1_000
    assert [(event["page_version"], event["title"]) for event in kit.events()] == [(1, "A"), (3, "B"), (4, "A")]


async def test_the_mark_tells_the_worker_what_is_published(kit: Kit) -> None:
    await kit.put(PAGE)
    assert await read_mark(kit.store, PAGE, CONTEXT) is None
    await kit.publish(PAGE)
    row = (await kit.store.lookup(LookupRequest(CONTEXT, PAGE))).row
    assert row and row.page and await PublishMarks(kit.store).is_published(row.page, CONTEXT)


async def test_where_nothing_is_stored_or_the_url_moved_nothing_is_published(kit: Kit) -> None:
    old = "http://gallery.test/old"
    assert await kit.publish(PAGE) == Skipped("no_page")
    assert await kit.publish("ftp://x") == Skipped("invalid_url")
    fetched = FetchResult(PAGE, 200, (), b"x", (Hop(old, 301, PAGE),), "text/html", began_ms=kit.clock(), latency_ms=1)  # type: ignore[call-arg]  # stubs have keywords only
    await kit.store.put_page(PutPageRequest(CONTEXT, fetched, record()))
    assert await kit.publish(old) == Skipped("moved")
    assert kit.events() == []


async def test_a_deferred_image_says_when_to_come_back_and_the_others_are_not_fetched_again(kit: Kit) -> None:
    await kit.put(PAGE, "http://shop.test/images/trowel.png", DUNES)
    shop = "http://shop.test/images/trowel.png"
    kit.fetcher.raising[shop] = RetryAfter("busy", delay_ms=7_000, url=LAGOON, chain=(Hop(shop, 301, LAGOON),))
    assert await kit.publish(PAGE) == ImagesPending(
        7_000, 2
    )  # gallery.test is what was busy: its image wasn't asked for
    kit.clock.now_ms += 3_000
    assert await kit.publish(PAGE) == ImagesPending(4_000, 2)
    assert kit.fetcher.urls == {shop: 1}
    kit.clock.now_ms += 4_000
    del kit.fetcher.raising[shop]
    assert isinstance(await kit.publish(PAGE), Published)
    assert [request.resume for request in kit.fetcher.asked if request.url == shop] == [(), (Hop(shop, 301, LAGOON),)]
    assert kit.fetcher.urls == {shop: 2, DUNES: 1}


async def test_an_unreachable_host_is_asked_once_a_time_and_given_up(kit: Kit) -> None:
    images = [f"http://dead.test/{n}.jpg" for n in range(4)]
    await kit.put(PAGE, *images, DUNES)
    kit.fetcher.raising |= dict.fromkeys(images, ConnectFailure("down"))
    waiting = await kit.publish(PAGE)
    assert isinstance(waiting, ImagesPending) and waiting.images == 4 and 500 <= waiting.delay_ms <= 1_000
    assert kit.fetcher.urls == {images[0]: 1, DUNES: 1}
    kit.clock.now_ms += 1_000
    assert isinstance(await kit.publish(PAGE), Published)
    assert kit.fetcher.urls == {images[0]: 2, DUNES: 1}
    assert (await state_of(kit, images[3]))["code"] == "connect_failure"


async def test_a_want_of_slots_is_asked_once_a_domain_and_keeps_nothing(kit: Kit) -> None:
    await kit.put(PAGE, DUNES, LAGOON, "http://shop.test/images/trowel.png")
    kit.fetcher.raising[DUNES] = NoSlot("full", delay_ms=900)
    assert await kit.publish(PAGE) == ImagesPending(900, 2)
    assert kit.fetcher.urls == {DUNES: 1, "http://shop.test/images/trowel.png": 1}
    assert await kit.store.get_attributes(GetAttributesRequest(CONTEXT, DUNES, "image")) == ()
    kit.fetcher.raising.clear()
    assert isinstance(await kit.publish(PAGE), Published)


async def test_after_its_days_an_image_is_asked_whether_it_changed(kit: Kit) -> None:
    kit.fetcher.headers[DUNES] = {"ETag": '"1"'}
    for day in (0, 10, 31):
        kit.clock.now_ms += day * DAY_MS
        await kit.put(PAGE, content=b"%d" % day, of=record(DUNES, title=str(day)))
        assert isinstance(await kit.publish(PAGE), Published)
    assert [request.if_none_match for request in kit.fetcher.asked] == [None, '"1"']
    state = await state_of(kit, DUNES)
    assert (state["code"], state["fetched_ms"]) == ("unchanged", kit.clock())
    assert [len(event["images"]) for event in kit.events()] == [1, 1, 1]


async def test_an_image_that_kills_its_decoder_is_an_outcome_and_a_dead_pool_is_none(kit: Kit) -> None:
    async def dies(_: bytes) -> bytes:
        raise ImageError("died", "exit code -11")

    async def no_pool(_: bytes) -> bytes:
        raise BackendDown("no child can be started")

    await kit.put(PAGE, DUNES)
    with pytest.raises(BackendDown):
        await kit.another(decode=no_pool).publish(PAGE, CONTEXT)
    assert await kit.store.get_attributes(GetAttributesRequest(CONTEXT, DUNES, "image")) == ()
    assert isinstance(await kit.another(decode=dies).publish(PAGE, CONTEXT), Published)
    assert (await state_of(kit, DUNES))["code"] == "died"


async def test_images_are_decoded_in_a_real_child(kit: Kit) -> None:
    async with ChildPool(1, imports=IMPORTS) as pool:

        async def decode(content: bytes) -> bytes:
            answer = await pool.run(FUNCTION, content)
            if not isinstance(answer, Done):
                raise ImageError(answer.ending, answer.detail)
            return answer.result

        await kit.put(PAGE, DUNES, LAGOON, "http://gallery.test/dunes")
        assert await kit.another(decode=decode).publish(PAGE, CONTEXT) == Published(event_id(url_key(PAGE), 1, 1), 2)


@pytest.fixture(params=["memory", REDIS])
async def two_leases(request: pytest.FixtureRequest) -> AsyncIterator[tuple[ImageLeases, ImageLeases]]:
    """As two processes have them (of memory: as two jobs of one process)."""
    if request.param == "memory":
        memory = MemoryLeases()
        yield memory, memory
        return
    url = request.getfixturevalue("redis_durable_url")
    leases = RedisLeases(f"{url}?prefix=t"), RedisLeases(f"{url}?prefix=t")
    yield leases
    for each in leases:
        await each.close()


async def test_two_workers_with_pages_of_one_image_fetch_it_once(
    tmp_path: Path, two_leases: tuple[ImageLeases, ImageLeases]
) -> None:
    async with kit_at(tmp_path, two_leases[0]) as kit:
        await kit.put(PAGE, DUNES)
        await kit.put(f"{PAGE}2", DUNES)
        other = kit.another(leases=two_leases[1])
        kit.fetcher.pause = asyncio.Event()
        first = asyncio.create_task(kit.publish(PAGE))
        while not kit.fetcher.asked:
            await asyncio.sleep(0.001)
        assert await other.publish(f"{PAGE}2", CONTEXT) == ImagesPending(250, 1)
        kit.fetcher.pause.set()
        assert isinstance(await first, Published)
        assert isinstance(await other.publish(f"{PAGE}2", CONTEXT), Published)
        assert kit.fetcher.urls == {DUNES: 1}


async def test_a_lease_is_one_holders_until_it_is_given_back(two_leases: tuple[ImageLeases, ImageLeases]) -> None:
    mine, others = two_leases
    assert await mine.take(b"k" * 16, 60_000)
    assert not await others.take(b"k" * 16, 60_000)
    assert await others.take(b"l" * 16, 60_000)
    await mine.give_back(b"k" * 16)
    assert await others.take(b"k" * 16, 60_000)


async def test_a_redis_lease_of_a_dead_process_ends_and_its_ghost_gives_nothing_back(redis_durable_url: str) -> None:
    dead, living, third = (RedisLeases(redis_durable_url) for _ in range(3))
    assert await dead.take(b"k" * 16, 20)
    while not await living.take(b"k" * 16, 60_000):
        await asyncio.sleep(0.01)
    await dead.give_back(b"k" * 16)
    assert not await third.take(b"k" * 16, 60_000)
    for leases in (dead, living, third):
        await leases.close()
