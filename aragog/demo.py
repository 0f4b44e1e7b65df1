"""`make demo`: a crawl of the sample web on loopback with the embedded default, and its result."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections import Counter
from pathlib import Path

import msgspec
from rich.table import Table

from aragog.assembly.working import CrawlWorker, working
from aragog.cli import cards, crawl_display
from aragog.cli.command_context import context, run
from aragog.cli.console import Terminal, plain
from aragog.cli.terminal import say
from aragog.export import rows
from aragog.settings import CrawlSettings, EventSettings, FetcherSettings, Settings
from crawler.seeds.crawl_start import CrawlRequest, read_seeds, start
from crawler.worker.crawl_watch import CrawlProgress, watch
from recommender_hooks.images.image_state import ImageState, decode
from runtime.clock import wall_ms
from testweb import SampleWeb
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import GetAttributesRequest, LookupRequest, UrlRow

DATA = Path(".demo")
#: What each kind of page looks like once it is stored.
CARDS = ("http://kitchen.test/recipes/tomato-soup", "http://films.test/film/lighthouse", "http://shop.test/gloves")


def settings_for(web: SampleWeb, data_dir: Path) -> Settings:
    """The embedded default, with the sample web's hosts mapped to loopback, and less patience than for real hosts."""
    fetcher = FetcherSettings(connect_to=web.connect_to, allow_private=["*.test"])
    crawl = CrawlSettings(max_tries=2, backoff_ms=300, give_up_ms=4_000)
    events = EventSettings(image_tries=2, image_backoff_ms=300, image_give_up_ms=4_000)
    return Settings(data_dir=str(data_dir), fetcher=fetcher, crawl=crawl, events=events)


async def demo() -> None:
    """Crawl the sample web, print a summary, cards, the link graph, an image's signals, and what to try next."""
    async with SampleWeb() as web:
        settings = settings_for(web, DATA)
        seeds, _ = read_seeds(web.seeds())
        say(f"Crawling the sample web from {len(seeds)} seeds, 10 requests a second and domain, into {DATA}/\n")
        async with working(settings, lock_wait_ms=0, waiting=lambda _: None) as worker:
            progress = await _crawl(worker, CrawlRequest(seeds, "any", label="demo"))
            crawl_display.print_summary(progress)
            await _show(worker.assembly.store)
    _print_next(settings)


async def _crawl(worker: CrawlWorker, wanted: CrawlRequest) -> CrawlProgress:
    crawl_id = await start(wanted, worker.frontier, worker.jobs, wall_ms())
    stop = asyncio.Event()
    work = asyncio.create_task(worker.run(stop))
    display = crawl_display.Display(worker.progress)
    with display.showing():
        async for progress in watch(crawl_id, worker.frontier, worker.jobs, every_ms=200):
            display.show(progress)
    stop.set()
    await work
    return progress


async def _show(store: UrlStore) -> None:
    stored = [row async for row in rows(store, context("demo"))]
    pages = {row.url for row in stored if row.page}
    for url in [url for url in CARDS if url in pages] or sorted(pages)[: len(CARDS)]:
        cards.print_card(url, await store.lookup(LookupRequest(context("demo"), url)))
    _print_graph(stored)
    await _print_image(store, stored)


def _print_graph(stored: list[UrlRow]) -> None:
    linked = Counter(link.url for row in stored if row.page for link in row.page.record.outlinks if link.url != row.url)
    table = Table(title="\nTop of the link graph", title_justify="left", show_edge=False)
    table.add_column("page")
    table.add_column("linked from", justify="right")
    for url, count in linked.most_common(5):
        table.add_row(plain(url), str(count))
    Terminal().print(table)


async def _print_image(store: UrlStore, stored: list[UrlRow]) -> None:
    images = [image.url for row in stored if row.page for image in row.page.record.images]
    for url in dict.fromkeys(images):
        state = await _image_state(store, url)
        if state and state.signals:
            say(f"\nSignals of {url}")
            for name, value in msgspec.to_builtins(state.signals).items():
                say(f"  {name:9} {value}")
            return


async def _image_state(store: UrlStore, url: str) -> ImageState | None:
    found = await store.get_attributes(GetAttributesRequest(context("demo"), url, "image"))
    return next((state for each in found if (state := decode(each))), None)


def _print_next(settings: Settings) -> None:
    say(f"""
Next (the store stays in {DATA}/):
  export ARAGOG_DATA_DIR={DATA}
  .venv/bin/aragog lookup {CARDS[0]}
  .venv/bin/aragog links --in {CARDS[0]}
  .venv/bin/aragog crawl ls
  .venv/bin/aragog store export --sorted | head -3
  head -1 {settings.data_dir}/events.jsonl
  .venv/bin/aragog --help""")


def main() -> int:
    """Start again: the sample web's port differs each time."""
    shutil.rmtree(DATA, ignore_errors=True)
    run(demo())
    return 0


if __name__ == "__main__":
    sys.exit(main())
