"""The images of a page, each visited once: by the polite fetcher, its state kept on the image's URL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from recommender_hooks.images import image_state
from recommender_hooks.images.image_leases import ImageLeases
from recommender_hooks.images.image_signals import ImageError, read_answer
from recommender_hooks.images.image_state import ImagePolicy, ImageState, ImageVisit, Use, Wait
from recommender_hooks.images.named_images import NamedImage
from recommender_hooks.stored_attributes import stored_attributes
from recommender_hooks.telemetry import PublishTelemetry
from thrift_idl.errors import AragogError, BadConfiguration, Deferred, NoSlot, Refused, Unavailable, restore
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.fetcher.ttypes import FetchRequest, FetchResult
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import GetAttributesRequest, PutAttributesRequest
from weburl import deciding_form, host, registrable_domain

Decode = Callable[[bytes], Awaitable[bytes]]
"""Runs `image_signals.run` in a bounded child. If the child ends without an answer it raises `ImageError`
with the reason (`died`, `timed_out`, `out_of_memory`, `failed`): that is the image's outcome. `BackendDown` is not."""

_log = logging.getLogger(__name__)

_OF_THE_HOST = frozenset(("dns_failure", "connect_failure", "tls_failure", "timeout"))


class ImageVisitor:
    """Visits images with the services it is given."""

    def __init__(
        self,
        fetcher: Fetcher,
        store: UrlStore,
        decode: Decode,
        leases: ImageLeases,
        policy: ImagePolicy,
        clock_ms: Callable[[], int],
        telemetry: PublishTelemetry,
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._decode = decode
        self._leases = leases
        self._policy = policy
        self._clock_ms = clock_ms
        self._telemetry = telemetry

    async def visit_all(self, images: Iterable[NamedImage], context: Context) -> list[ImageState | Wait]:
        """The state of each image, in order, or its wait. One after another: pages are concurrent.

        After an error of a host, or of its domain's limit, its other images aren't requested. An image that our
        configuration forbids to fetch delays no page. Raises only errors that are no URL's outcome.
        """
        befell: dict[str, AragogError] = {}
        return [await self._visit(image, context, befell) for image in images]

    async def _visit(self, image: NamedImage, context: Context, befell: dict[str, AragogError]) -> ImageState | Wait:
        step = await self._step(image, context)
        if isinstance(step, ImageVisit):
            if not await self._leases.take(image.key, self._policy.lease_ms):
                return Wait(self._policy.busy_ms)
            try:
                return await self._visit_leased(image, context, befell)
            finally:
                await asyncio.shield(self._leases.give_back(image.key))
        return step.state if isinstance(step, Use) else step

    async def _step(self, image: NamedImage, context: Context) -> Use | Wait | ImageVisit:
        stored, _ = await self._read(image, context)
        return image_state.next_step(stored, image.url, self._clock_ms(), self._policy)

    async def _visit_leased(
        self, image: NamedImage, context: Context, befell: dict[str, AragogError]
    ) -> ImageState | Wait:
        before, written_ms = await self._read(image, context)  # another process may have visited it before the lease
        step = image_state.next_step(before, image.url, self._clock_ms(), self._policy)
        if not isinstance(step, ImageVisit):
            return step.state if isinstance(step, Use) else step
        began_ms = self._clock_ms()
        error = _known_error(image.url, befell)
        if error is None:
            try:
                after = await self._fetch(image, step, before, context)
            except BadConfiguration as raised:
                _log.warning("%s isn't fetched: %s", image.url, raised)
                after = image_state.unasked(before, raised, began_ms)
            except (Refused, Deferred, Unavailable) as raised:
                error = raised
                _remember(raised, image.url, befell)
        if isinstance(error, NoSlot) and not error.chain:
            return Wait(max(1, error.delay_ms))  # no request was made: nothing to keep
        if error is not None:
            after = image_state.failed(before, error, began_ms, image.key[0] / 255, self._policy)
        await self._write(image, after, max(self._clock_ms(), written_ms + 1), context)
        self._telemetry.image_visited(context.source, after.family, after.code)
        return after if after.ended else Wait(max(1, after.retry_ms - self._clock_ms()))

    async def _fetch(
        self, image: NamedImage, step: ImageVisit, before: ImageState | None, context: Context
    ) -> ImageState:
        request = FetchRequest(
            context=context,
            url=image.url,
            if_none_match=step.if_none_match,
            if_modified_since=step.if_modified_since,
            resume=step.resume,
            max_bytes=self._policy.max_bytes,
            accept=("image/*",),
        )
        result = await self._fetcher.fetch(request)
        if result.status == 304 and before is not None:
            return image_state.unchanged(before, result)
        try:
            return image_state.fetched(result, read_answer(await self._decode(_whole(result, self._policy))))
        except ImageError as error:
            return image_state.fetched(result, error)

    async def _read(self, image: NamedImage, context: Context) -> tuple[ImageState | None, int]:
        request = GetAttributesRequest(context, image.url, image_state.NAMESPACE)
        for attribute in await stored_attributes(self._store, request):
            if attribute.name == image_state.NAME:
                return image_state.decode(attribute), attribute.write_ms
        return None, 0

    async def _write(self, image: NamedImage, state: ImageState, write_ms: int, context: Context) -> None:
        attribute = image_state.encode(state, write_ms)
        await self._store.put_attributes(PutAttributesRequest(context, image.url, (attribute,)))


def _whole(result: FetchResult, policy: ImagePolicy) -> bytes:
    if "truncated" in result.flags and len(result.content) >= policy.max_bytes:
        raise ImageError("too_large", f"more than {policy.max_bytes} bytes")
    return result.content


def _remember(error: AragogError, url: str, befell: dict[str, AragogError]) -> None:
    """Keep an error that concerns more than the one URL, without the hop where it stopped."""
    where = error.details.get("url") or url
    kept = restore(error.family, error.code, error.message, error.delay_ms, {})
    if isinstance(error, NoSlot):
        befell[registrable_domain(host(where))] = kept
    elif isinstance(error, Deferred) or error.code in _OF_THE_HOST:
        befell[deciding_form(host(where))] = kept


def _known_error(url: str, befell: dict[str, AragogError]) -> AragogError | None:
    name = deciding_form(host(url))
    return befell.get(name) or befell.get(registrable_domain(name))
