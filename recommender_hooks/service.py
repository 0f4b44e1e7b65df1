"""PUBLISH, the service: makes one event from one stored page, and visits its images before.

A repetition from any point ends the same: images that were visited are not visited again, and a repeated event has
the same id.
"""

from __future__ import annotations

from collections.abc import Callable

from recommender_hooks.backends import EventSink
from recommender_hooks.events.page_event import page_event
from recommender_hooks.events.publish_mark import is_published, mark_of, put_mark, read_stored
from recommender_hooks.images.image_leases import ImageLeases, MemoryLeases
from recommender_hooks.images.image_state import ImagePolicy, Wait
from recommender_hooks.images.image_visits import Decode, ImageVisitor
from recommender_hooks.images.named_images import named_images
from recommender_hooks.publication_rules import forbids_page, withholding
from recommender_hooks.telemetry import PublishTelemetry, SilentPublishTelemetry
from runtime.clock import wall_ms
from thrift_idl.errors import Refused
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, Page
from thrift_idl.publishing import ImagesPending, Published, PublishEnding, Skipped


class SignalsService:
    """Publishes pages with the given services; it closes none of them.

    `leases` keep two processes from fetching one image at once; the default covers only this process.
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        store: UrlStore,
        sink: EventSink,
        decode: Decode,
        leases: ImageLeases | None = None,
        policy: ImagePolicy | None = None,
        clock_ms: Callable[[], int] = wall_ms,
        telemetry: PublishTelemetry | None = None,
    ) -> None:
        self._store = store
        self._sink = sink
        self._policy = policy or ImagePolicy()
        self._clock_ms = clock_ms
        self._telemetry = telemetry or SilentPublishTelemetry()
        self._visitor = ImageVisitor(
            fetcher, store, decode, leases or MemoryLeases(), self._policy, clock_ms, self._telemetry
        )

    async def publish(self, url: str, context: Context) -> PublishEnding:
        """Publish the current version of the page stored under `url`, unless it is published.

        A version that is replaced before its turn has no event. Raises `BackendDown` and its kinds (publish again
        later: finished work stays done), no error of any URL.
        """
        ending, images = await self._publish(url, context)
        told = ending.reason if isinstance(ending, Skipped) else type(ending).__name__.lower()
        self._telemetry.page_ended(context.source, told, images)
        return ending

    async def _publish(self, url: str, context: Context) -> tuple[PublishEnding, int]:
        page, reason = await self._page(url, context)
        if page is None:
            return Skipped(reason), 0
        mark, marked_ms = await read_stored(self._store, page.url, context)
        if is_published(page, mark):
            return Skipped("published_before"), 0
        if forbids_page(page.record):
            await self._mark(page, marked_ms, context, has_event=False)
            return Skipped("noindex"), 0
        return await self._publish_page(page, marked_ms, context)

    async def _publish_page(self, page: Page, marked_ms: int, context: Context) -> tuple[PublishEnding, int]:
        withheld, named = withholding(page.record), named_images(page.record.images)
        wanted = () if withheld else named[: self._policy.max_images]
        visited = await self._visitor.visit_all(wanted, context)
        if waits := [state.delay_ms for state in visited if isinstance(state, Wait)]:
            return ImagesPending(max(waits), len(waits)), 0
        images = [(image, state) for image, state in zip(wanted, visited, strict=True) if not isinstance(state, Wait)]
        event = page_event(page, images, len(named), withheld)
        await self._sink.publish((event,))
        await self._mark(
            page, marked_ms, context, has_event=True
        )  # last: after a crash here the event comes twice, with the same id
        published = sum(state.signals is not None for _, state in images)
        return Published(event.event_id, published), published

    async def _page(self, url: str, context: Context) -> tuple[Page | None, str]:
        try:
            found = await self._store.lookup(LookupRequest(context, url))
        except Refused as error:
            return None, error.code
        if found.aliases or found.cycle:
            return None, "moved"  # the page at the redirect's target has a job of its own
        page = found.row.page if found.row else None
        return page, "" if page else "no_page"

    async def _mark(self, page: Page, marked_ms: int, context: Context, *, has_event: bool) -> None:
        """Write the mark after the previous one, whichever clock wrote that."""
        mark = mark_of(page, has_event=has_event)
        await put_mark(self._store, page.url, mark, max(self._clock_ms(), marked_ms + 1), context)
