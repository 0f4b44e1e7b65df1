"""Costs of the embedded store for a page of 65 KB: `python -m benchmarks.store [--pages N]`. SQLite and files, WAL.

Puts of new pages, of the same content again, of changed content; look-ups; content read back. Calls are made 100 at
once, as a worker makes them; CPU time is this process's with its threads. Every page is read back and compared after
each round of puts, outside the measured time.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from extraction.page import extract
from tests.support.many_hosts import Shape, page
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchResult, Header
from thrift_idl.gen.urlstore.ttypes import ContentRequest, LookupRequest, PutPageRequest
from thrift_idl.rpc import run
from urlstore.backends.sqlite import SqliteMetadata
from urlstore.backends.sqlite_content import SqliteContent
from urlstore.service import UrlStoreService

CONTEXT = Context("benchmark")
AT_ONCE = 100
SHAPE = Shape(bytes=65_536, links=50, hosts=100, pages=1_000)
HEADERS = (
    Header("Content-Type", "text/html; charset=utf-8"),
    Header("Date", "Tue, 09 Nov 2010 14:49:00 GMT"),
    Header("Server", "bench"),
    Header("Cache-Control", "max-age=60"),
    Header("ETag", '"abc"'),
)


def puts(count: int, changed: bytes = b"") -> list[PutPageRequest]:
    """As the crawl makes them of fetched pages, `changed` appended to each."""
    requests = []
    for number in range(count):
        host = f"h{number % SHAPE.hosts}.test"
        url, content = f"http://{host}/{number}", page(SHAPE, host, number) + changed
        fetched = FetchResult(
            url=url,
            status=200,
            headers=HEADERS,
            content=content,
            chain=(),
            began_ms=time.time_ns() // 1_000_000,
            media_type="text/html",
            latency_ms=12.5,
        )
        requests.append(PutPageRequest(CONTEXT, fetched, extract(content, url)))
    return requests


async def measured(name: str, calls: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Make them, so many at once, and print what they took."""
    turns = iter(calls)

    async def worker() -> None:
        for call in turns:
            await call()

    cpu, clock = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    print(f"{name:24} {cpu / len(calls) * 1e6:8,.0f} µs CPU each {len(calls) / clock:8,.0f} /s")


async def read_back(store: UrlStoreService, requests: Sequence[PutPageRequest], version: int) -> None:
    """Content, record and version of every page. Raises `AssertionError` with the first that differs."""
    for request in requests:
        url = request.fetched.url
        row = (await store.lookup(LookupRequest(CONTEXT, url))).row
        assert row is not None and row.page is not None and row.page.version == version, url
        assert row.page.record == request.record, url
        assert (await store.get_content(ContentRequest(CONTEXT, url))).content == request.fetched.content, url


async def bench(folder: Path, count: int) -> None:
    """All rounds over one new store."""
    metadata = await SqliteMetadata.open(f"sqlite:///{folder}/store.sqlite")
    store = UrlStoreService(metadata, await SqliteContent.open(f"sqlite:///{folder}/content.db"))
    rounds = (
        ("put of a new page", puts(count), 1),
        ("put, content unchanged", puts(count), 1),
        ("put, content changed", puts(count, b"<p>More."), 2),
    )
    for name, requests, version in rounds:
        await measured(name, [partial(store.put_page, request) for request in requests])
        await read_back(store, requests, version)
    urls = [request.fetched.url for request in rounds[0][1]]
    await measured("look-up", [partial(store.lookup, LookupRequest(CONTEXT, url)) for url in urls])
    await measured("content read", [partial(store.get_content, ContentRequest(CONTEXT, url)) for url in urls])
    await store.close()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{'read back complete':24} {count:8,} pages, {size / 2**20:.1f} MiB on disk, two versions of each")


def main() -> None:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1_000)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="aragog-bench-") as folder:
        run(bench(Path(folder), given.pages))


if __name__ == "__main__":
    main()
