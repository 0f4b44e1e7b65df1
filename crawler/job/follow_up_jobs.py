"""Follow-up jobs of a stored page, each kind in its queue: image signals and their event, and inlinks.

A follow-up job is versioned UTF-8 JSON: `{"v": 1, "url": ..., "version": ...}`, the page and the version that caused
it. The work reads the store's current version, so a job of an older one has nothing more to do. `failures` counts our
own errors in it. After a few of them, or of workers that died with it, the job is set aside: FAILED in its queue, where
`aragog queue show` names it and `aragog queue retry` makes it ready again. A backend that is down is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import orjson

from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LookupRequest, Page
from thrift_idl.publishing import PublishedPages

SIGNALS = "signals"
INLINKS = "inlinks"
_VERSION = 1


class _Versioned(msgspec.Struct, frozen=True):
    """The key that says whether this version knows the others."""

    v: int


class FollowUp(msgspec.Struct, frozen=True):
    """The body of a follow-up job."""

    url: str
    version: int
    failures: int = 0

    def encode(self) -> bytes:
        """The body. Without failures it leaves their number out."""
        failures = {"failures": self.failures} if self.failures else {}
        return orjson.dumps({"v": _VERSION, "url": self.url, "version": self.version} | failures)

    @classmethod
    def decode(cls, body: bytes) -> FollowUp:
        """The job in `body`. Raises `InvalidRequest`."""
        try:
            version = _VERSIONED.decode(body).v
            if version != _VERSION:
                raise InvalidRequest(f"follow-up job of version {version}; this Aragog knows {_VERSION}")
            return _FOLLOW_UP.decode(body)
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"no follow-up job: {error}") from None


_VERSIONED = msgspec.json.Decoder(_Versioned)
_FOLLOW_UP = msgspec.json.Decoder(FollowUp)


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """The finished follow-ups of a page's version."""

    published: bool
    linked: bool


async def followed_up(store: UrlStore, published: PublishedPages, page: Page, context: Context) -> FollowedUp:
    """The page's finished follow-ups by the store: two point reads."""
    row = (await store.lookup(LookupRequest(context, page.url))).row
    linked = row is not None and row.linked_version == page.version
    return FollowedUp(await published.is_published(page, context), linked)
