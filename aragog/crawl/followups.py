"""What happens off a page's path, each kind in its queue: image signals and their event, and inlinks.

A follow-up job is versioned UTF-8 JSON: `{"v": 1, "url": ..., "version": ...}`, the page and the version that gave
rise to it. The work reads the store's current version: an older one needs no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from aragog.crawl.queues import JobQueues
from aragog.crawl.steps import Steps, silent
from aragog.crawl.tally import Tally
from pinlater.worker import Health, Held, Task
from recommender_hooks.mark import is_published, read_mark
from recommender_hooks.signals import Published, SignalsService, Waiting
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LinkPagesRequest, LookupRequest, Page

SIGNALS = "signals"
INLINKS = "inlinks"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The body of a follow-up job."""

    url: str
    version: int

    def encode(self) -> bytes:
        """The body."""
        return orjson.dumps({"v": _VERSION, "url": self.url, "version": self.version})

    @classmethod
    def decode(cls, body: bytes) -> FollowUp:
        """The job in `body`. Raises `InvalidRequest`."""
        try:
            values = orjson.loads(body)
            if values["v"] != _VERSION:
                raise InvalidRequest(f"follow-up job of version {values['v']}; this Aragog knows {_VERSION}")
            return cls(str(values["url"]), int(values["version"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise InvalidRequest(f"no follow-up job: {error}") from None


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """Which follow-ups of a page's version are done."""

    published: bool
    linked: bool


async def followed_up(store: UrlStore, page: Page, context: Context) -> FollowedUp:
    """What the store says of a page's follow-ups: two point reads."""
    row = (await store.lookup(LookupRequest(context, page.url))).row
    linked = row is not None and row.linked_version == page.version
    return FollowedUp(is_published(page, await read_mark(store, page.url, context)), linked)


class FollowUps:
    """What a worker does with follow-up jobs. `publish` and `link` fit a `Pump`."""

    def __init__(
        self,
        *,
        signals: SignalsService,
        store: UrlStore,
        jobs: JobQueues,
        health: Health,
        tally: Tally,
        source: str,
        steps: Steps = silent,
    ) -> None:
        self._signals = signals
        self._store = store
        self._jobs = jobs
        self._health = health
        self._tally = tally
        self._context = Context(source)
        self._steps = steps

    async def publish(self, held: Sequence[Held]) -> Sequence[Task]:
        """A task a job."""
        return [Task((each,), self._publish(each, job)) for each, job in self._read(held)]

    async def link(self, held: Sequence[Held]) -> Sequence[Task]:
        """One task for all: the store writes what they have in common once."""
        read = self._read(held)
        return [Task(tuple(each for each, _ in read), self._link(read))] if read else []

    def _read(self, held: Sequence[Held]) -> list[tuple[Held, FollowUp]]:
        read = []
        for each in held:
            try:
                read.append((each, FollowUp.decode(each.body)))
            except InvalidRequest as error:
                self._jobs.ack(each, f"bad job: {error}"[:500])
        return read

    async def _publish(self, held: Held, job: FollowUp) -> None:
        self._steps("publish", held.descriptor, job.url)
        ending = await self._health.persistently(lambda: self._signals.publish(job.url, self._context))
        if isinstance(ending, Waiting):
            self._jobs.give_back(held, ending.delay_ms)
            return
        self._tally.published += isinstance(ending, Published)
        self._jobs.ack(held)

    async def _link(self, read: Sequence[tuple[Held, FollowUp]]) -> None:
        for held, job in read:
            self._steps("link", held.descriptor, job.url)
        urls = tuple(dict.fromkeys(job.url for _, job in read))
        await self._health.persistently(lambda: self._store.link_pages(LinkPagesRequest(self._context, urls)))
        self._tally.linked += len(urls)
        for held, _ in read:
            self._jobs.ack(held)
