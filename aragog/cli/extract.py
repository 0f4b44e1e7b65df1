"""`aragog extract`: the record of a page, as a filter."""

from __future__ import annotations

import os
import stat
from contextlib import AsyncExitStack
from typing import Annotated

import typer

import weburl
from aragog.children import ChildPool
from aragog.cli.filters import (
    MIB,
    Answer,
    Fields,
    Jsonl,
    Shape,
    one_of,
    optional_text_of,
    run_filter_in_flight,
    run_piped,
    scalar,
    text_of,
)
from aragog.cli.polite import PoliteFetcher
from aragog.cli.robots import decoded
from aragog.crawl.extract import IMPORTS, extract_page
from extraction.limits import DEFAULT
from fetcher.mediatype import content_type
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.records import to_json

#: Content of 10 MiB as JSON text, every other character escaped; or as base64.
_LONGEST_LINE = 32 * MIB
#: The base of a file whose URL nobody told: its absolute links count, others lead nowhere.
_NOWHERE = "about:blank"
#: One byte more than is parsed, so that the record says that it was cut.
_MOST = DEFAULT.content_bytes + 1


def extract(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Files or URLs; without, the lines of standard input.")
    ] = None,
    url: Annotated[
        str, typer.Option(help="Where a file's page lives: its relative links lead nowhere without it.")
    ] = "",
    media: Annotated[str, typer.Option("--content-type", help="Of a file: text/html; charset=...")] = "text/html",
    children: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that extract at once; by default one for each CPU.")
    ] = min(os.cpu_count() or 1, 64),
    patience_ms: Annotated[
        int, typer.Option(help="How long to come back to a URL that asks for patience (429, no slot), in ms.")
    ] = 60_000,
    lock_wait_ms: Annotated[
        int, typer.Option(help="How long to wait for another process that owns the data directory, in ms.")
    ] = 600_000,
    text: Annotated[
        bool, typer.Option("--text", help="Main content, word count, language and simhash of the text, too.")
    ] = False,
    jsonl: Jsonl = False,
) -> None:
    """Print the record of pages: title, metadata, links, images, robots directives; one JSON object a line.

    `aragog extract --url http://example.com/ page.html` reads a file. `aragog extract http://example.com/` fetches
    as politely as `aragog fetch`, with the same configuration, and stores nothing.

    With --jsonl each line is a page, and no configuration is read: `{"url": "http://h/", "html": "<title>T</title>"}`;
    instead of `html`, `html_base64` for bytes, or `path`, a file; `content_type` if you know it.

    The record's schema: docs/page-record.md, extraction/page_record.schema.json. A page that is too much or broken has
    what was found so far, and `flags`.
    """
    run_piped(lambda: _extract(targets, url, media, children, PoliteFetcher(patience_ms, lock_wait_ms), jsonl, text))


async def _extract(
    targets: list[str] | None, url: str, media: str, children: int, fetcher: PoliteFetcher, jsonl: bool, text: bool
) -> None:
    shape = Shape(jsonl, lambda text: {"target": text}, most=_LONGEST_LINE)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(ChildPool(children, imports=IMPORTS))
        await stack.enter_async_context(fetcher)

        async def of_line(fields: Fields) -> Answer:
            return await record_of(page_of(fields), pool, text_features=text)

        async def of_target(fields: Fields) -> Answer:
            target = fields["target"]
            if target[:8].lower().startswith(("http://", "https://")):
                return await record_of(await fetcher.fetch(target), pool, text_features=text)
            page = page_of({"url": url, "path": target, "content_type": media})
            return await record_of(page, pool, text_features=text)

        answer = of_line if jsonl and not targets else of_target
        await run_filter_in_flight(shape, answer, targets, children + 2)


async def record_of(page: FetchResult, pool: ChildPool, *, text_features: bool = False) -> Answer:
    """The page record as JSON-ready values."""
    record: Answer = to_json(await extract_page(pool, page, text_features=text_features))
    return record


def page_of(fields: Fields) -> FetchResult:
    """`{"url", "html" | "html_base64" | "path", "content_type"?}` as if it had been fetched.

    Text that comes as `html` has been decoded already: its charset is nobody's question any more. Raises `InvalidUrl`,
    `InvalidRequest`.
    """
    given = one_of(fields, "html", "html_base64", "path")
    media_type, charset = content_type([optional_text_of(fields, "content_type") or "text/html"])
    if given == "html":
        content, charset = scalar(text_of(fields, "html")[:_MOST]).encode(), "utf-8"
    elif given == "html_base64":
        content = decoded(text_of(fields, "html_base64"), "html_base64")
    else:
        content = content_of(text_of(fields, "path"))
    url = text_of(fields, "url")
    return FetchResult(
        url=weburl.request_form(url) if url or given != "path" else _NOWHERE,
        status=200,
        headers=(),
        content=content[:_MOST],
        chain=(),
        media_type=media_type,
        charset=charset,
        began_ms=0,
        latency_ms=0.0,
    )


def content_of(path: str) -> bytes:
    """The first 10 MiB of a file, found from the working directory. Raises `InvalidRequest`."""
    try:
        # Not blocking: a FIFO would be waited for, perhaps for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - as above
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidRequest(f"{path!a} is no regular file")
            return file.read(_MOST)
    except OSError as error:
        raise InvalidRequest(f"{path!a}: {error.strerror}") from None
    except ValueError as error:  # a NUL, a lone surrogate
        raise InvalidRequest(f"{path!a} is no path: {error}") from None
