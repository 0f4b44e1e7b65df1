"""A broad crawl as a user of Scrapy writes it, for `benchmarks.peers`: runs in Scrapy's environment, not ours.

The spider reads title, description, canonical URL and OpenGraph with parsel and follows what `LinkExtractor` finds.
What it yields goes nowhere, or to a plain pipeline that stores fields, content (zstd) and graph in SQLite. Settings
come with the command line.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import scrapy
import zstandard
from scrapy.crawler import Crawler
from scrapy.http import HtmlResponse
from scrapy.linkextractors import LinkExtractor
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IHostnameResolver
from zope.interface import implementer

COMMIT_EVERY = 100
SCHEMA = """
    CREATE TABLE pages (url TEXT PRIMARY KEY, title TEXT, description TEXT, canonical TEXT, og TEXT, content BLOB);
    CREATE TABLE links (source TEXT, target TEXT, text TEXT, nofollow INTEGER);
"""


@implementer(IHostnameResolver)
class OneOrigin:
    """Every host name is the one port of 127.0.0.1 where the pages are, as our `connect_to` has it."""

    def __init__(self, port: int, reactor: Any) -> None:
        self.port, self.reactor = port, reactor

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> OneOrigin:
        """Scrapy's way to make one."""
        return cls(crawler.settings.getint("ORIGIN_PORT"), reactor)

    def install_on_reactor(self) -> None:
        """Scrapy's way to use it."""
        self.reactor.installNameResolver(self)

    def resolveHostName(self, receiver: Any, *_: Any, **__: Any) -> Any:
        """Twisted's interface."""
        receiver.resolutionBegan(self)
        receiver.addressResolved(IPv4Address("TCP", "127.0.0.1", self.port))
        receiver.resolutionComplete()
        return receiver


class Stored:
    """Pages and links into one SQLite file, a hundred pages a transaction."""

    def __init__(self, path: str) -> None:
        self.path, self.count = path, 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Stored:
        """Scrapy's way to make one."""
        return cls(crawler.settings["STORE_FILE"])

    def open_spider(self) -> None:
        """Begin."""
        self.database = sqlite3.connect(self.path)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        self.database.executescript(SCHEMA)
        self.compress = zstandard.ZstdCompressor(level=3).compress

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """One page and its links."""
        fields = [item[name] for name in ("url", "title", "description", "canonical")]
        row = (*fields, repr(item["og"]), self.compress(item["content"]))
        self.database.execute("INSERT INTO pages VALUES (?, ?, ?, ?, ?, ?)", row)
        links = ((item["url"], link.url, link.text, link.nofollow) for link in item["links"])
        self.database.executemany("INSERT INTO links VALUES (?, ?, ?, ?)", links)
        self.count += 1
        if self.count % COMMIT_EVERY == 0:
            self.database.commit()
        return item

    def close_spider(self) -> None:
        """The rest."""
        self.database.commit()
        self.database.close()


class BroadSpider(scrapy.Spider):
    """Every page that the seeds lead to."""

    name = "broad"
    seeds = ""
    """The file that names them: -a seeds=FILE."""
    extractor = LinkExtractor()

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """A request for each seed."""
        for url in Path(self.seeds).read_text().split():
            yield scrapy.Request(url)

    def parse(self, response: HtmlResponse) -> Iterator[Any]:
        """The fields of a page, and its links."""
        links = self.extractor.extract_links(response)
        yield {
            "url": response.url,
            "title": response.css("title::text").get(),
            "description": response.css("meta[name=description]::attr(content)").get(),
            "canonical": response.css("link[rel=canonical]::attr(href)").get(),
            "og": {
                meta.attrib["property"]: meta.attrib.get("content") for meta in response.css("meta[property^='og:']")
            },
            "links": links,
            "content": response.body,
        }
        for link in links:
            yield scrapy.Request(link.url)
