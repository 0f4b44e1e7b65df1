"""Costs of publishing: `python -m benchmarks.signals [kafka://host:port/topic]`. Signals of images, events, sinks."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from PIL import Image

from recommender_hooks.backends import EventSink
from recommender_hooks.backends.jsonl import JsonlSink
from recommender_hooks.events.page_event import page_event
from recommender_hooks.images.image_signals import SIDE, phash, signals_of
from recommender_hooks.images.image_state import ImageState
from recommender_hooks.images.named_images import NamedImage
from tests.support.event_samples import event, page
from testweb.sites import IMAGES
from weburl import url_key

AT_ONCE = 64


def say(what: str, count: int, seconds: float) -> None:
    print(f"{what:<48} {count / seconds:>10,.0f} /s {seconds / count * 1e6:>10.1f} us", flush=True)


def timed(what: str, count: int, work: Callable[[], object]) -> None:
    work()
    began = time.process_time()
    for _ in range(count):
        work()
    say(f"{what} (CPU)", count, time.process_time() - began)


def images() -> None:
    with Image.open(IMAGES / "dunes-large.jpg") as small:
        photo = small.resize((1_000, 700))
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        file = BytesIO()
        photo.save(file, kind)
        content = file.getvalue()
        timed(
            f"signals of a 1000 x 700 {kind}, {len(content) >> 10} KiB", 20, lambda content=content: signals_of(content)
        )
    grey = photo.convert("L").resize((SIDE, SIDE)).tobytes()
    timed("of that: pHash", 200, lambda: phash(grey))


def encoding() -> None:
    signals = signals_of((IMAGES / "dunes.jpg").read_bytes())
    url = "http://a.test/i.jpg"
    state = ImageState("fetched", "fetched", 1, True, 200, url, signals=signals)
    shown = [(NamedImage(url, url_key(url), ("img",), "alt"), state)] * 5
    timed("event of a page with five images", 2_000, lambda: page_event(page("http://a.test/"), shown, 5, ()))


async def publishing(what: str, sink: EventSink, count: int) -> None:
    """One event a call, 64 calls at once: as workers do."""
    events = iter([event(f"http://{number}.test/", title="x" * 500) for number in range(count)])

    async def caller() -> None:
        for each in events:
            await sink.publish((each,))

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    say(what, count, time.perf_counter() - began)
    await sink.close()


async def sinks(kafka_url: str) -> None:
    with TemporaryDirectory() as folder:
        await publishing("jsonl", await JsonlSink.open(f"file:///{Path(folder)}/a.jsonl"), 5_000)
        await publishing("jsonl, full", await JsonlSink.open(f"file:///{folder}/b.jsonl", durability="full"), 1_000)
    if kafka_url:
        from recommender_hooks.backends.kafka import KafkaSink

        sink = await KafkaSink.open(kafka_url)
        await sink.publish((event("http://first.test/"),))  # waits a second for the producer's id
        await publishing("kafka, acks=all, idempotent", sink, 20_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kafka", nargs="?", default="", help="kafka://host:port/topic: publish there, too")
    given = parser.parse_args()
    images()
    encoding()
    uvloop.run(sinks(given.kafka))


if __name__ == "__main__":
    main()
