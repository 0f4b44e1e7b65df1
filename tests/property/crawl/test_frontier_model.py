from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aragog.crawl.crawls import Crawl, CrawlState
from aragog.crawl.frontier import Ending, EntryState, Frontier, Offer
from aragog.crawl.frontier.entry import unpack
from aragog.crawl.frontier.redis import RedisFrontier
from aragog.crawl.frontier.sqlite import SqliteFrontier
from tests.property.crawl.crawling import ID, Job, Web, World, key

URLS = st.integers(0, 9)


@st.composite
def webs(draw: st.DrawFn) -> Web:
    links = draw(st.dictionaries(URLS, st.lists(URLS, max_size=5).map(tuple), max_size=10))
    redirects = draw(st.dictionaries(URLS, URLS, max_size=3))
    return Web(
        links=links,
        redirects={url: target for url, target in redirects.items() if url != target},
        refused=draw(st.frozensets(URLS, max_size=2)),
        failing=draw(st.frozensets(URLS, max_size=2)),
    )


CRAWLS = st.builds(
    lambda max_depth, max_pages: Crawl(ID, "q", 1, "any", max_depth, max_pages),
    st.none() | st.integers(0, 4),
    st.none() | st.integers(1, 8),
)
SEEDS = st.lists(URLS, min_size=1, max_size=3, unique=True).map(tuple)
#: (what happens, to whom): the driver takes both modulo what there is.
CHOICES = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 7)), max_size=150)
WORKERS = 4


class Driver:
    """Advances seeder and workers in the order that the choices tell, and checks the promises after each step."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seeder = world.seed()
        self.seeded = False
        self.visits: list[tuple[Job, AsyncIterator[None]]] = []
        self.lost: Counter[int] = Counter()
        self.ended = False
        self.cancelled = False

    async def drive(self, choices: list[tuple[int, int]]) -> None:
        for what, whom in choices:
            await self.step(what, whom)
            await self.check()
        if (await self.world.frontier.crawls.all()) and not self.ended and not self.cancelled:
            await self.world.frontier.crawls.turn(ID, CrawlState.RUNNING)
        for turn in range(5_000):
            if self.seeded and not self.visits and not self.world.pending:
                break
            await self.step(2 + turn % 3, turn)
            await self.check()
        assert self.seeded and not self.visits and not self.world.pending and not self.world.held

    async def step(self, what: int, whom: int) -> None:
        if what == 0:
            self.crash(whom)
        elif what == 1 and self.visits:
            job, _ = self.visits[whom % len(self.visits)]
            self.lost[self.world.web.final(job.url)] += 1
            self.world.redeliver(job)
        elif what == 2 and not self.seeded:
            self.seeded = not await self.advance(self.seeder)
        elif what == 3 and self.world.pending and len(self.visits) < WORKERS:
            job = self.world.dequeue(whom)
            self.visits.append((job, self.world.visit(job)))
        elif what == 5 and self.world.pending:
            self.world.pending[whom % len(self.world.pending)].deferrals += 1
        elif what in (6, 7) and self.seeded and not self.ended:
            await self.world.frontier.crawls.turn(ID, CrawlState.PAUSED if what == 6 else CrawlState.RUNNING)
        elif self.visits:
            at = whom % len(self.visits)
            if not await self.advance(self.visits[at][1]):
                del self.visits[at]

    def crash(self, whom: int) -> None:
        if not self.visits:
            if not self.seeded:
                self.seeder = self.world.seed()
            return
        job, _ = self.visits.pop(whom % len(self.visits))
        self.lost[self.world.web.final(job.url)] += 1
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


async def crawl(
    frontier: Frontier, web: Web, task: Crawl, seeds: tuple[int, ...], choices: list[tuple[int, int]]
) -> None:
    driver = Driver(World(frontier, web, task, seeds))
    await driver.drive(choices)
    status = await frontier.crawls.status(ID)
    urls, pages = web.reachable(seeds, task.max_depth)
    assert status.state is CrawlState.DONE
    if task.max_pages is not None:
        assert status.counters.pages == min(len(pages), task.max_pages)
        return
    assert (status.counters.done, status.counters.pages) == (len(urls), len(pages))
    for page in pages:
        ways = 1 + sum(page == target for target in web.redirects.values())
        assert driver.world.requests[page] <= ways + driver.lost[page], "no page is fetched twice without a crash"


@settings(max_examples=250, deadline=None)
@given(webs(), CRAWLS, SEEDS, CHOICES)
def test_however_workers_crash_a_crawl_ends_once_with_every_reachable_url_done(
    web: Web, task: Crawl, seeds: tuple[int, ...], choices: list[tuple[int, int]]
) -> None:
    async def run() -> None:
        frontier = await SqliteFrontier.open("sqlite:///:memory:")
        try:
            await crawl(frontier, web, task, seeds, choices)
            await entries_agree(frontier)
        finally:
            await frontier.close()

    asyncio.run(run())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(webs(), CRAWLS, SEEDS, CHOICES)
def test_the_same_on_redis(
    redis_durable_url: str, web: Web, task: Crawl, seeds: tuple[int, ...], choices: list[tuple[int, int]]
) -> None:
    async def run() -> None:
        frontier = await RedisFrontier.open(redis_durable_url)
        try:
            await crawl(frontier, web, task, seeds, choices)
            await frontier.crawls.forget(ID)
        finally:
            await frontier.close()

    asyncio.run(run())


async def entries_agree(frontier: SqliteFrontier) -> None:
    """The counters are the number of entries in each state."""
    rows = frontier._database.read_inline(lambda db: db.execute("SELECT entry FROM frontier_entry").fetchall())
    counted = Counter(unpack(row[0]).state for row in rows)
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
    [Ending(EntryState.PAGE, "fetched")] * 3
    + [
        Ending(EntryState.REFUSED, "refused"),
        Ending(EntryState.FAILED, "failed"),
        Ending(EntryState.SKIPPED, "skipped"),
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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
