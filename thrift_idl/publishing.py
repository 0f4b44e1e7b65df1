"""Publishing of a stored page as its callers know it: the ways in which it ends, and the Protocols that do it.

The Thrift compiler has no part in it, because a worker publishes in its own process: `recommender_hooks` fills both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.ttypes import Page


@dataclass(frozen=True, slots=True)
class Published:
    """The event is stored."""

    event_id: str
    images: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """There is nothing to publish: `no_page`, `moved` (its URL redirects now), `noindex`, `published_before`, or the
    code of the refusal that the store answered (`invalid_url`, `taken_down`)."""

    reason: str


@dataclass(frozen=True, slots=True)
class ImagesPending:
    """Some images are still to come: publish the page again in `delay_ms`. Spends no attempt."""

    delay_ms: int
    images: int
    """How many."""


PublishEnding = Published | Skipped | ImagesPending


class PagePublisher(Protocol):
    """The publisher of a store's pages. Every call may be repeated."""

    async def publish(self, url: str, context: Context) -> PublishEnding:
        """Publish the current version of the page stored under `url`, unless it is published. Raises `BackendDown`."""
        ...


class PublishedPages(Protocol):
    """The pages that are published already: a crawl asks before it enqueues one for publishing."""

    async def is_published(self, page: Page, context: Context) -> bool:
        """True if nothing is left to publish of this page. Raises `BackendDown`, `StoreTooNew`."""
        ...
