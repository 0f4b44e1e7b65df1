"""Crawls of the sample web by the command line, and what came of them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from recommender_hooks.events.event_reader import read_events
from recommender_hooks.events.page_event import TIMING
from tests.support.processes import run_aragog, service, start_aragog, stop
from tests.support.sample_web import reaching

#: Patience for a small web: dead hosts fail after two tries, hosts that defer for ever after four seconds.
IMPATIENT = {
    "crawl_max_tries": "2",
    "crawl_backoff_ms": "300",
    "crawl_give_up_ms": "4000",
    "events_image_tries": "2",
    "events_image_backoff_ms": "300",
    "events_image_give_up_ms": "4000",
}


def crawl(env: Mapping[str, str], web: Mapping[str, Any], *options: str) -> dict[str, Any]:
    """`aragog crawl` from the sample web's seeds to the end; how it ended."""
    done = run_aragog(env, "crawl", "--scope", "any", "--json", *options, *web["seeds"])
    assert done.returncode == 0, done.stderr
    ended: dict[str, Any] = json.loads(done.stdout)
    return ended


def events(url: str) -> list[str]:
    """The events of a sink, each once, without what differs between two runs; sorted."""
    return sorted(json.dumps(_without_timing(event), sort_keys=True) for event in read_events(url))


def _without_timing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_timing(item) for key, item in value.items() if key not in TIMING}
    return [_without_timing(item) for item in value] if isinstance(value, list) else value


def content_keys(data_dir: Path) -> list[str]:
    """The objects of an embedded store, which may be at work; none where there is no store yet."""
    if not (data_dir / "content.sqlite").exists():
        return []
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(data_dir / "content.sqlite")) as store:
        return [key for (key,) in store.execute("SELECT hex(key) FROM content")]
    return []


def requests(log: list[dict[str, Any]]) -> Counter[str]:
    """The number of requests for each URL, without robots.txt."""
    urls = (f"http://{entry['host']}{entry['path']}" for entry in log)
    return Counter(url for url in urls if not url.endswith("/robots.txt"))


@contextmanager
def distributed(
    web: Mapping[str, Any], folder: Path, engines: Mapping[str, str], workers: int = 3
) -> Iterator[dict[str, str]]:
    """Our four services and some workers over `engines` (settings by name); yields the settings of their clients."""
    env = reaching(web, folder / "data", **IMPATIENT, **engines)
    with ExitStack() as stack:
        for name in ("ratelimiter", "urlstore", "pinlater", "fetcher"):
            env[f"ARAGOG_{name.upper()}_SERVICE"] = stack.enter_context(service(env, name))
        for _ in range(workers):
            worker = start_aragog(env, "worker")
            stack.callback(stop, worker)
            assert worker.stdout and worker.stdout.readline() == "worker ready\n"
        yield env
