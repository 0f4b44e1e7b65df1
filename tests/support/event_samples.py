"""Pages, images and events as these tests write them, with the defaults that don't matter to them."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import Any

from PIL import Image as Picture

from recommender_hooks.events.page_event import Event, page_event
from testweb.sites import IMAGES
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.page.ttypes import Image, PageRecord, RobotsDirectives
from thrift_idl.gen.urlstore.ttypes import Page

T0 = 1_790_000_000_000
CONTEXT = Context(source="tests")


def sample(name: str) -> bytes:
    """An image of the sample web."""
    return (IMAGES / name).read_bytes()


def encoded(picture: Picture.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def record(*images: str | Image, title: str = "A title", robots: tuple[str, ...] = (), **fields: Any) -> PageRecord:
    directives = (RobotsDirectives(agent="", directives=robots),) if robots else ()
    named = tuple(image if isinstance(image, Image) else Image(image, "img") for image in images)
    text_hash = sha256(title.encode()).digest()
    return PageRecord(1, title=title, images=named, robots=directives, text_hash=text_hash, **fields)


def page(url: str, version: int = 1, of: PageRecord | None = None) -> Page:
    digest = sha256(url.encode()).digest()
    times = {"fetched_ms": T0, "last_seen_ms": T0, "changed_ms": T0, "write_ms": T0}
    return Page(
        url=url,
        version=version,
        content_hash=digest,
        record_hash=digest,
        content_key="",
        content_bytes=1,
        status=200,
        headers=(),
        media_type="text/html",
        record=of or record(),
        **times,  # type: ignore[arg-type, arg-type]  # a test's business
    )


def event(url: str, version: int = 1, title: str = "A title") -> Event:
    return page_event(page(url, version, record(title=title)), (), 0, ())
