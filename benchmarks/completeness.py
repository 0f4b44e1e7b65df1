"""The check that a store holds a whole web of `tests.support.many_hosts`: every page, its exact content, its links.

Each function reads a whole store and raises `AssertionError` with the first thing that isn't as it was served.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import zstandard

from aragog.assembly.storing import store_of
from aragog.cli.command_context import context
from aragog.export import inlinks, rows
from aragog.settings import load
from tests.support.many_hosts import Shape, links, page
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import ContentRequest, OutlinksRequest

_HREF = re.compile("href='([^']+)'")


@dataclass(frozen=True, slots=True)
class Served:
    """A page as its web serves it."""

    title: str
    content: bytes
    links: frozenset[str]


def served(shape: Shape) -> dict[str, Served]:
    """All of them by URL."""
    found = {}
    for host in (f"h{number}.test" for number in range(shape.hosts)):
        for number in range(shape.pages):
            targets = frozenset(_HREF.findall("".join(links(shape, host, number))))
            served_page = Served(f"Page {number} of {host}", page(shape, host, number), targets)
            found[f"http://{host}/{number}"] = served_page
    return found


async def of_ours(environment: Mapping[str, str], shape: Shape) -> None:
    """The store of Aragog that the settings in `environment` name: rows, content, outlinks, and inlinks both ways."""
    expected = served(shape)
    linking: dict[str, set[str]] = defaultdict(set)
    for url, each in expected.items():
        for target in each.links - {url}:  # a link to itself is no inlink
            linking[target].add(url)
    async with store_of(load(environment)) as store:
        stored = [row async for row in rows(store, context())]
        titles = {row.url: row.page and row.page.record.title for row in stored}
        assert titles == {url: each.title for url, each in expected.items()}, "pages or titles"
        for url, each in expected.items():
            await _page_of_ours(store, url, each)
            sources = {link.url async for link in inlinks(store, context(), url)}
            assert sources == linking[url], f"inlinks of {url}: {sources ^ linking[url]}"


async def _page_of_ours(store: UrlStore, url: str, each: Served) -> None:
    content = await store.get_content(ContentRequest(context(), url))
    assert content.content == each.content, f"content of {url}"
    targets = {link.url for link in await store.outlinks(OutlinksRequest(context(), url))}
    assert targets == each.links, f"outlinks of {url}: {targets ^ each.links}"


def of_theirs(path: Path, shape: Shape) -> None:
    """The SQLite file of `benchmarks.peer_spider`."""
    expected = served(shape)
    with sqlite3.connect(path) as database:
        graph: dict[str, set[str]] = defaultdict(set)
        for source, target in database.execute("SELECT source, target FROM links"):
            graph[source].add(target)
        decompress = zstandard.ZstdDecompressor().decompress
        found = database.execute("SELECT url, title, content FROM pages")
        stored = {url: Served(title, decompress(content), frozenset(graph[url])) for url, title, content in found}
    assert stored.keys() == expected.keys(), "pages"
    for url, each in expected.items():
        assert stored[url] == each, f"{url} isn't as it was served"
