"""Scrapy's downloader as a client of `benchmarks.fetch`, in an environment of its own: prints as `fetch_clients` does.

A spider that only downloads: no scheduler, no parsing, no robots.txt; Scrapy's downloader middlewares as they come but
those that ask the site for something else (robots.txt, redirects, retries), its asyncio reactor on uvloop, certificates
verified.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import AsyncCrawlerProcess

Fetch = Callable[[str], Awaitable[int]]
Measure = Callable[[Fetch, list[str], int, int, int], Awaitable[dict[str, float]]]


class Downloads(scrapy.Spider):
    """Does the work of the plan within `start`, and yields no request."""

    name = "downloads"
    plan: dict[str, Any]
    requests: int
    at_once: int
    measured: Measure

    async def start(self) -> Any:
        """Scrapy's way to begin."""

        async def one(url: str) -> int:
            request = scrapy.Request(url, dont_filter=True)
            return len((await self.crawler.engine.download_async(request)).body)

        figures = await self.measured(one, self.plan["urls"], self.requests, self.at_once, self.plan["size"])
        print(json.dumps(figures), flush=True)
        for nothing in _nothing():
            yield nothing


def _nothing() -> Iterator[scrapy.Request]:
    return iter(())


def run(plan: str, requests: int, at_once: int, measured: Measure) -> None:
    """The whole process; `measured` is the measure of every client."""
    told = json.loads(Path(plan).read_text())
    os.environ["SSL_CERT_FILE"] = told["authority"]
    settings = {
        "ASYNCIO_EVENT_LOOP": "uvloop.Loop",
        "CONCURRENT_REQUESTS": at_once,
        "CONCURRENT_REQUESTS_PER_DOMAIN": at_once,
        "COOKIES_ENABLED": False,
        "DOWNLOAD_DELAY": 0,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "LOG_LEVEL": logging.ERROR,
        "REDIRECT_ENABLED": False,
        "RETRY_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
    }
    process = AsyncCrawlerProcess(settings)
    process.crawl(Downloads, plan=told, requests=requests, at_once=at_once, measured=measured)
    process.start()
