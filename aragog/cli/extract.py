"""`aragog extract`: the record of a page, as a filter."""

from __future__ import annotations

import os
import stat
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import typer

import weburl
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
from aragog.cli.page_card import rendered
from aragog.cli.polite_pages import PoliteFetcher
from aragog.cli.robots import decoded
from crawler.visit.extractor import IMPORTS, extract_page, request_of
from extraction.evidence import FUNCTION as EXPLAIN
from extraction.limits import DEFAULT
from fetcher.mediatype import content_type
from runtime.children import ChildPool, Done
from thrift_idl.errors import InvalidRequest
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.records import to_json

#: Content of 10 MiB as JSON text, every other character escaped; or as base64.
_LONGEST_LINE = 32 * MIB
#: The base of a file whose URL is unknown: its absolute links count, others have no target.
_NOWHERE = "about:blank"
#: One byte more than is parsed, so that the record says that it was cut.
_MOST = DEFAULT.content_bytes + 1


def extract(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Files or URLs; without, the lines of standard input.")
    ] = None,
    url: Annotated[str, typer.Option(help="The URL of a file's page: its relative links need it.")] = "",
    media: Annotated[str, typer.Option("--content-type", help="Of a file: text/html; charset=...")] = "text/html",
    children: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that extract at once; by default one for each CPU.")
    ] = min(os.cpu_count() or 1, 64),
    patience_ms: Annotated[int, typer.Option(help="How long to retry a deferred URL (429, no slot), in ms.")] = 60_000,
    lock_wait_ms: Annotated[
        int, typer.Option(help="How long to wait for another process that owns the data directory, in ms.")
    ] = 600_000,
    why: Annotated[bool, typer.Option("--why", help="The sources of each field, with places and losers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole record and its evidence, as JSON.")] = False,
    text: Annotated[
        bool, typer.Option("--text", help="Main content, word count, language and simhash of the text, too.")
    ] = False,
    jsonl: Jsonl = False,
) -> None:
    """Print the records of pages: a card with title, author, dates, image; and the recipe, product, article it has.

    `aragog extract --url http://example.com/ page.html` reads a file. `aragog extract http://example.com/` fetches
    as politely as `aragog fetch`, with the same configuration, and stores nothing. `--json` prints everything.

    The lines of standard input, files or URLs, are answered by one JSON object each: the record, with its evidence
    if you ask --why.

    With --jsonl each line is a page, and no configuration is read: `{"url": "http://h/", "html": "<title>T</title>"}`;
    instead of `html`, `html_base64` for bytes, or `path`, a file; `content_type` if you know it.

    The record's schema: docs/page-record.md, extraction/page_record.schema.json. The record of a page that is too large
    or broken has the parts found so far, and `flags`.
    """
    is_shown = bool(targets) and not jsonl and not as_json
    shape = (_Shown if is_shown else Shape)(jsonl, _target, most=_LONGEST_LINE)
    if is_shown and why:
        shape = _ShownWithEvidence(jsonl, _target, most=_LONGEST_LINE)
    reading = _PageReading(url, media, children, why or as_json, text)
    run_piped(lambda: _extract(targets, shape, reading, PoliteFetcher(patience_ms, lock_wait_ms)))


def _target(text: str) -> Fields:
    return {"target": text}


class _Shown(Shape):
    """Answers as people read them."""

    with_evidence = False

    def written(self, answer: Answer) -> bytes:
        """The card; an error as a line."""
        return super().written(answer) if "error" in answer else rendered(answer, self.with_evidence)


class _ShownWithEvidence(_Shown):
    with_evidence = True


@dataclass(frozen=True, slots=True)
class _PageReading:
    """The settings for reading pages."""

    url: str
    media: str
    children: int
    with_evidence: bool
    text_features: bool


async def _extract(targets: list[str] | None, shape: Shape, reading: _PageReading, fetcher: PoliteFetcher) -> None:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(ChildPool(reading.children, imports=IMPORTS))
        await stack.enter_async_context(fetcher)

        async def of_line(fields: Fields) -> Answer:
            return await record_of(page_of(fields), pool, reading.with_evidence, text_features=reading.text_features)

        async def of_target(fields: Fields) -> Answer:
            target = fields["target"]
            if target[:8].lower().startswith(("http://", "https://")):
                page = await fetcher.fetch(target)
            else:
                page = page_of({"url": reading.url, "path": target, "content_type": reading.media})
            return await record_of(page, pool, reading.with_evidence, text_features=reading.text_features)

        answer = of_line if shape.jsonl and not targets else of_target
        await run_filter_in_flight(shape, answer, targets, reading.children + 2)


async def record_of(
    page: FetchResult, pool: ChildPool, with_evidence: bool = False, *, text_features: bool = False
) -> Answer:
    """The page record as JSON-ready values; with `evidence` if requested, and if the page could be explained."""
    explained = (
        await pool.run(EXPLAIN, request_of(page, page.content, text_features=text_features)) if with_evidence else None
    )
    if isinstance(explained, Done):
        found: dict[str, Any] = orjson.loads(explained.result)
        return found | {"flags": list(dict.fromkeys((*page.flags, *found["flags"])))}
    record: Answer = to_json(await extract_page(pool, page, text_features=text_features))
    return record


def page_of(fields: Fields) -> FetchResult:
    """`{"url", "html" | "html_base64" | "path", "content_type"?}` as if it had been fetched.

    Text in `html` has been decoded already: its charset no longer matters. Raises `InvalidUrl`,
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
    """The first 10 MiB of a file, relative to the working directory. Raises `InvalidRequest`."""
    try:
        # Not blocking: opening a FIFO would wait, perhaps for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - as above
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidRequest(f"{path!a} is no regular file")
            return file.read(_MOST)
    except OSError as error:
        raise InvalidRequest(f"{path!a}: {error.strerror}") from None
    except ValueError as error:  # a NUL, a lone surrogate
        raise InvalidRequest(f"{path!a} is no path: {error}") from None
