"""Linking in any interleaving: repeated, overtaken by newer pages, stopped anywhere, it ends as linking once does."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.stores import open_backends, service_over
from tests.support.urlstore_requests import chain, inlinks_of, link, outcome, put, record, scan
from urlstore.backends import ContentBackend, MetadataBackend

SOURCE, OTHER = "http://a.test/", "http://b.test/"
TARGETS = (SOURCE, "http://x.test/", "http://y.test/")

PUT = st.tuples(st.just("put"), st.sets(st.sampled_from(TARGETS)), st.sampled_from([0, 0, 0, -2, -1, 1]))
MOVE = st.tuples(st.just("move"))
ANSWER = st.tuples(st.just("answer"))
LINK = st.tuples(st.just("link"), st.sampled_from([(SOURCE,), (SOURCE,), (SOURCE, OTHER)]))
STEP = st.tuples(st.just("step"), st.integers(0, 2), st.integers(1, 5))
STOP = st.tuples(st.just("stop"), st.integers(0, 2))
EVENTS = st.lists(st.one_of(PUT, PUT, LINK, LINK, STEP, STEP, STEP, MOVE, ANSWER, STOP), min_size=4, max_size=24)
Event = tuple[Any, ...]


@dataclass
class Gate:
    """A backend in front of another: a call waits until the schedule lets its turn come."""

    backend: Any
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*arguments: Any) -> Any:
            turn = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            await turn
            return await getattr(self.backend, name)(*arguments)

        return call


@dataclass
class Linker:
    """One call of link_pages under way."""

    gate: Gate
    task: asyncio.Task[Any]

    async def step(self, which: int) -> None:
        """Let one of its waiting calls go through; ends when all others wait again, or it is done."""
        waiting = [turn for turn in self.gate.waiting if not turn.done()]
        if waiting:
            turn = waiting[which % len(waiting)]
            self.gate.waiting.remove(turn)
            turn.set_result(None)
        await asyncio.sleep(0)
        while not self.task.done() and not self.gate.waiting:
            await asyncio.sleep(0.0001)


class World:
    """A store that events happen to."""

    def __init__(self, metadata: MetadataBackend, content: ContentBackend) -> None:
        self.store = service_over((metadata, content))
        self._backends = (metadata, content)
        self._linkers: list[Linker] = []
        self._at = 0

    async def happen(self, event: Event) -> None:
        await getattr(self, f"_{event[0]}")(*event[1:])

    async def _put(self, targets: set[str], late: int, source: str = SOURCE) -> None:
        """A page, perhaps with a write time before that of others, or the same."""
        self._at += 3
        links = sorted(targets)
        request = put(source, repr(links).encode(), at=self._at + 3 * late, page=record(links=links))
        await self.store.put_page(request)

    async def _move(self) -> None:
        """The page's URL redirects from now on."""
        self._at += 3
        way = chain(SOURCE, "http://new.test/")
        await self.store.put_page(put("http://new.test/", b"new", at=self._at, chain=way))

    async def _answer(self) -> None:
        """The page's URL redirects no more, and brought no page either."""
        self._at += 3
        await self.store.put_outcome(outcome(SOURCE, at=self._at, answered=True))

    async def _link(self, sources: Sequence[str]) -> None:
        gate = Gate(self._backends[0])
        service = service_over((gate, self._backends[1]))
        linker = Linker(gate, asyncio.create_task(service.link_pages(link(*sources))))
        self._linkers.append(linker)
        await linker.step(0)

    async def _step(self, which: int, times: int) -> None:
        for number in range(times):
            if self._linkers:
                await self._linkers[which % len(self._linkers)].step(number)

    async def _stop(self, which: int) -> None:
        if self._linkers:
            linker = self._linkers.pop(which % len(self._linkers))
            linker.task.cancel()
            await asyncio.gather(linker.task, return_exceptions=True)

    async def finish(self) -> None:
        """Let what is under way come to its end, late as it is."""
        for linker in self._linkers:
            while not linker.task.done():
                await linker.step(0)
            await linker.task

    async def check(self) -> None:
        """The inlinks are those that the pages of the rows, as they are, make."""
        rows = {row.url: row for row in (await self.store.scan(scan())).rows}
        pages = [row.page for row in rows.values() if row.page and not row.redirects_to and row.url in (SOURCE, OTHER)]
        for target in TARGETS:
            found = (await self.store.inlinks(inlinks_of(target, own=True))).inlinks
            assert {(inlink.url, inlink.version) for inlink in found} == {
                (page.url, page.version)
                for page in pages
                if page.url != target and target in [link.url for link in page.record.outlinks]
            }
        for page in pages:
            assert rows[page.url].linked_version == page.version


async def _run(events: Sequence[Event], folder: Path, late: bool) -> None:
    world = World(*await open_backends("sqlite:///:memory:", f"file:///{folder}"))
    await world.happen(("put", set(TARGETS), 0, OTHER))
    for event in events:
        await world.happen(event)
    if late:  # what is still under way ends after the last link
        await world.store.link_pages(link(SOURCE, OTHER))
    await world.finish()
    if late:
        await world.check()
    again = await world.store.link_pages(link(SOURCE, OTHER))
    assert not (late and again.linked), "what comes late leaves nothing to do"
    await world.check()
    await world.store.close()


@settings(max_examples=examples(200))
@given(EVENTS, st.booleans())
def test_any_interleaving_of_links_ends_as_linking_the_last_pages_once(events: list[Event], late: bool) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_run(events, Path(folder), late))


X, Y = TARGETS[1:]
WHOLE = 5  # steps of a link: row, note, row again, entries, note


def _put(*targets: str, late: int = 0) -> Event:
    return "put", set(targets), late


def _linked(which: int) -> list[Event]:
    """A link that comes to its end, being the one of that number."""
    return [("link", (SOURCE,)), ("step", which, WHOLE)]


@pytest.mark.parametrize("newer", [(), (_put(Y),), (("move",),)], ids=["same", "newer", "moved"])
def test_two_links_stopped_or_late_at_any_two_steps(newer: tuple[Event, ...], tmp_path: Path) -> None:
    ends: tuple[list[Event], ...] = ([("stop", 0), ("stop", 0)], [("step", 0, WHOLE)])
    lasts: tuple[list[Event], ...] = ([], [_put()])
    every = list(itertools.product(range(WHOLE + 1), range(WHOLE + 1), ends, lasts, (True, False)))
    # All of them; in `make test-fast` some from each end of the list to the other.
    for first, second, end, last, late in every[:: len(every) // examples(len(every))]:
        events = [_put(X), ("link", (SOURCE,)), ("step", 0, first), *newer, ("link", (SOURCE,)), ("step", 1, second)]
        asyncio.run(_run([*events, *end, *last], tmp_path, late))


@pytest.mark.parametrize("targets", [(X,), (Y,), (X, Y)])
def test_pages_of_one_millisecond_are_linked_one_after_the_other(targets: tuple[str, ...], tmp_path: Path) -> None:
    """Whichever of them stays, the tie of its page being broken by content."""
    events = [_put(*targets), *_linked(0), _put(late=1), *_linked(1), _put(*targets), *_linked(2)]
    asyncio.run(_run(events, tmp_path, late=True))
    events = [_put(*targets, late=1), *_linked(0), _put(), *_linked(1)]
    asyncio.run(_run(events, tmp_path, late=True))


def test_a_link_that_wakes_in_a_state_like_its_own_leaves_nothing(tmp_path: Path) -> None:
    moved_and_back = (("move",), *_linked(2), ("answer",))
    events = [_put(Y), *_linked(0), _put(X), ("link", (SOURCE,)), ("step", 1, 1), *moved_and_back, ("step", 1, WHOLE)]
    for last in ([], [_put()]):
        for late in (True, False):
            asyncio.run(_run([*events, ("stop", 1), *last], tmp_path, late))
