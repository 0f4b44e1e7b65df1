from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.frontier import EntryState, Frontier, Offer, VisitEnding
from crawler.frontier.crawls import Crawl, CrawlState
from crawler.frontier.entry import FrontierEntry, unpack
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.sqlite import SqliteFrontier
from tests.property.crawler.crawling import ID, Job, Web, World, key
from tests.support.examples import examples

URLS = st.integers(0, 9)


@st.composite
def webs(draw: st.DrawFn) -> Web:
    """A long way from 0 to 9, and short cuts: what is found far away first is found nearer later."""
    spine = {url: (url + 1,) for url in range(9)} if draw(st.booleans()) else {}
    more = draw(st.dictionaries(URLS, st.lists(URLS, min_size=1, max_size=4).map(tuple), max_size=8))
    redirects = draw(st.dictionaries(URLS, URLS, max_size=3))
    return Web(
        links={url: spine.get(url, ()) + more.get(url, ()) for url in range(10)},
        redirects={url: target for url, target in redirects.items() if url != target},
        refused=draw(st.frozensets(URLS, max_size=1)),
        failing=draw(st.frozensets(URLS, max_size=1)),
    )


CRAWLS = st.builds(
    lambda max_depth, max_pages: Crawl(ID, "q", 1, "any", max_depth, max_pages),
    st.none() | st.integers(1, 7),
    st.none() | st.none() | st.integers(1, 8),
)
SEEDS = st.lists(URLS, min_size=1, max_size=3, unique=True).map(tuple)
#: What happens, how often, of a hundred steps; a step that isn't among them advances a visit.
STEP_RATES = st.fixed_dictionaries(
    {
        "crash": st.sampled_from([0, 0, 2, 8]),
        "redeliver": st.sampled_from([0, 0, 2, 8]),
        "seed": st.sampled_from([5, 20]),
        "dequeue": st.sampled_from([10, 30, 60]),
        "defer": st.sampled_from([0, 3]),
        "pause": st.sampled_from([0, 0, 1]),
        "resume": st.sampled_from([2]),
    }
)
ORDERS = st.sampled_from(["newest first", "oldest first", "any"])
WORKERS = 4


class Driver:
    """Advances seeder and workers in any order, has accidents, and checks the promises after each step."""

    def __init__(self, world: World, rng: Random, rates: Mapping[str, int], order: str) -> None:
        self.world = world
        self.rng = rng
        self.rates = rates
        self.order = order
        self.seeder = world.seed()
        self.seeded = False
        self.visits: list[tuple[Job, AsyncIterator[None]]] = []
        self.lost: Counter[int] = Counter()
        self.ended = False

    async def drive(self) -> None:
        """Two hundred steps with accidents, then to the end without."""
        for _ in range(200):
            await self.step(self.drawn())
            await self.check()
        if await self.world.frontier.crawls.all() and not self.ended:
            await self.world.frontier.crawls.turn(ID, CrawlState.RUNNING)
        steps = 0
        while not self.seeded or self.visits or self.world.pending:
            await self.step(self.rng.choice(["seed", "dequeue", "advance", "advance"]))
            await self.check()
            steps += 1
            assert steps < 20_000, "the crawl makes no headway"
        assert not self.world.held

    def drawn(self) -> str:
        at = self.rng.randrange(100)
        for what, rate in self.rates.items():
            if at < rate:
                return what
            at -= rate
        return "advance"

    async def step(self, what: str) -> None:
        pending = self.world.pending
        if what == "crash":
            self.crash()
        elif what == "redeliver" and self.visits:
            job, _ = self.rng.choice(self.visits)
            self.lost[self.world.final(job.url)] += 1
            self.world.redeliver(job)
        elif what == "seed" and not self.seeded:
            self.seeded = not await self.advance(self.seeder)
        elif what == "dequeue" and pending and len(self.visits) < WORKERS:
            at = {"newest first": -1, "oldest first": 0}.get(self.order, self.rng.randrange(len(pending)))
            job = self.world.dequeue(at)
            self.visits.append((job, self.world.visit(job)))
        elif what == "defer" and pending:
            self.rng.choice(pending).deferrals += 1
        elif what in ("pause", "resume") and self.seeded and not self.ended:
            wanted = CrawlState.PAUSED if what == "pause" else CrawlState.RUNNING
            await self.world.frontier.crawls.turn(ID, wanted)
        elif self.visits:
            at = self.rng.randrange(len(self.visits))
            if not await self.advance(self.visits[at][1]):
                del self.visits[at]

    def crash(self) -> None:
        if not self.visits:
            if not self.seeded:
                self.seeder = self.world.seed()
            return
        job, _ = self.visits.pop(self.rng.randrange(len(self.visits)))
        self.lost[self.world.final(job.url)] += 1
        self.world.redeliver(job)

    @staticmethod
    async def advance(steps: AsyncIterator[None]) -> bool:
        try:
            await anext(steps)
        except StopAsyncIteration:
            return False
        return True

    async def check(self) -> None:
        world = self.world
        if not await world.frontier.crawls.all():
            return
        status = await world.frontier.crawls.status(ID)
        assert status.crawl.max_pages is None or status.counters.pages <= status.crawl.max_pages
        assert all(count == 1 for count in world.finished.values()), "no job finishes a URL twice"
        assert not self.ended or status.state is CrawlState.DONE, "a crawl ends once"
        self.ended = status.state is CrawlState.DONE
        assert self.ended == (status.seeded and status.counters.open == 0)


Example = tuple[Web, Crawl, tuple[int, ...], bool, Random, Mapping[str, int], str]
EXAMPLES: st.SearchStrategy[Example] = st.tuples(
    webs(), CRAWLS, SEEDS, st.booleans(), st.randoms(use_true_random=True), STEP_RATES, ORDERS
)


async def crawl(frontier: Frontier, example: Example) -> None:
    web, task, seeds, one_hop, rng, rates, order = example
    driver = Driver(World(frontier, web, task, seeds, one_hop), rng, rates, order)
    await driver.drive()
    status = await frontier.crawls.status(ID)
    urls, pages = web.reachable(seeds, task.max_depth, one_hop)
    assert status.state is CrawlState.DONE
    if task.max_pages is not None:
        assert status.counters.pages == min(len(pages), task.max_pages)
        return
    assert (status.counters.done, status.counters.pages) == (len(urls), len(pages))
    for page in pages:
        ways = 1 + sum(page == target for target in web.redirects.values() if not one_hop)
        assert driver.world.requests[page] <= ways + driver.lost[page], "no page is fetched twice without a crash"


@pytest.mark.timeout(600)
@settings(max_examples=examples(120, 1_000))
@given(EXAMPLES)
def test_however_workers_crash_a_crawl_ends_once_with_every_reachable_url_done(example: Example) -> None:
    async def run() -> None:
        frontier = await SqliteFrontier.open("sqlite:///:memory:")
        try:
            await crawl(frontier, example)
            await entries_agree(frontier)
            depths_agree(frontier, example)
        finally:
            await frontier.close()

    asyncio.run(run())


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(EXAMPLES)
def test_the_same_on_redis(redis_durable_url: str, example: Example) -> None:
    async def run() -> None:
        frontier = await RedisFrontier.open(redis_durable_url)
        try:
            await crawl(frontier, example)
            await frontier.crawls.forget(ID)
        finally:
            await frontier.close()

    asyncio.run(run())


def entries(frontier: SqliteFrontier) -> dict[bytes, FrontierEntry]:
    query = "SELECT key, entry FROM frontier_entry"
    rows = frontier._database.read_inline(lambda db: db.execute(query).fetchall())
    return {found: unpack(packed) for found, packed in rows}


def depths_agree(frontier: SqliteFrontier, example: Example) -> None:
    """Every page's entry has the least depth at which it can be found."""
    web, task, seeds, one_hop, *_ = example
    if task.max_depth is None or task.max_pages is not None:
        return
    depths, _ = web.reachable(seeds, task.max_depth, one_hop)
    stored = entries(frontier)
    fetched = {url: depth for url, depth in depths.items() if stored[key(url)].fetched}
    assert {url: stored[key(url)].depth for url in fetched} == fetched


async def entries_agree(frontier: SqliteFrontier) -> None:
    """The counters are the number of entries in each state."""
    counted = Counter(entry.state for entry in entries(frontier).values())
    counters = (await frontier.crawls.status(ID)).counters
    assert {state: getattr(counters, state.name.lower()) for state in EntryState} == {
        state: counted[state] for state in EntryState
    }


# --- the rules in Python and in Lua are the same rules ---

OFFERS = st.lists(
    st.builds(
        lambda url, job, depth: Offer(key(url), f"q:{url}-{job}", depth),
        st.integers(0, 3),
        st.integers(1, 2),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=4,
)
ENDINGS = st.sampled_from(
    [VisitEnding(EntryState.PAGE, "fetched")] * 3
    + [
        VisitEnding(EntryState.ALIAS, "redirected"),
        VisitEnding(EntryState.REFUSED, "refused"),
        VisitEnding(EntryState.FAILED, "failed"),
        VisitEnding(EntryState.SKIPPED, "skipped"),
    ]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("unknown"), st.lists(st.integers(0, 4), max_size=5), st.integers(0, 4)),
        st.tuples(st.just("schedule"), OFFERS),
        st.tuples(st.just("claim"), OFFERS),
        st.tuples(st.just("release"), OFFERS),
        st.tuples(st.just("finish"), OFFERS, ENDINGS, st.none() | st.integers(0, 4)),
        st.tuples(st.just("finish"), OFFERS, ENDINGS, st.none()),
        st.tuples(st.just("reopen"), st.lists(st.integers(0, 4), max_size=5)),
        st.tuples(st.just("turn"), st.sampled_from(list(CrawlState)[:2])),
        st.tuples(st.just("seeded")),
    ),
    max_size=60,
)


async def take(frontier: Frontier, step: tuple[object, ...]) -> object:
    name, *rest = step
    calls: dict[str, Callable[..., Awaitable[object]]] = {
        "unknown": lambda urls, depth: frontier.unknown(ID, [key(url) for url in urls], depth),
        "schedule": lambda offers: frontier.schedule(ID, offers),
        "claim": lambda offers: frontier.claim(ID, offers),
        "release": lambda offers: frontier.release(ID, offers),
        "finish": lambda offers, ending, final: frontier.finish(
            ID, offers[0], ending, None if final is None else key(final)
        ),
        "reopen": lambda urls: frontier.crawls.reopen(ID, [key(url) for url in urls]),
        "turn": lambda state: frontier.crawls.turn(ID, state),
        "seeded": lambda: frontier.crawls.seeded(ID),
    }
    try:
        return await calls[str(name)](*rest)
    except Exception as error:
        return type(error), str(error)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(CRAWLS, STEPS)
def test_python_and_lua_answer_any_sequence_of_calls_alike(
    redis_durable_url: str, task: Crawl, steps: list[tuple[object, ...]]
) -> None:
    async def run() -> None:
        ours, theirs = await SqliteFrontier.open("sqlite:///:memory:"), await RedisFrontier.open(redis_durable_url)
        try:
            await theirs._scripts.client.flushdb()
            for frontier in (ours, theirs):
                await frontier.crawls.create(task)
            for step in steps:
                assert await take(ours, step) == await take(theirs, step), step
                left, right = [await frontier.crawls.status(ID) for frontier in (ours, theirs)]
                assert (left.state, left.seeded, left.counters, left.outcomes) == (
                    right.state,
                    right.seeded,
                    right.counters,
                    right.outcomes,
                )
                failures = [await frontier.crawls.failures(ID) for frontier in (ours, theirs)]
                assert failures[0] == failures[1]
            await entries_agree(ours)
        finally:
            await ours.close()
            await theirs.close()

    asyncio.run(run())
