"""A crawl of hostile pages and images among good ones: none but the hostile suffers, and that keeps what it can."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from recommender_hooks.events.event_reader import read_events
from tests.acceptance.test_crawl_memory import most_resident
from tests.support.hostile_images import BOMBS, small
from tests.support.hostile_pages import PAGES, HostilePage
from tests.support.processes import environment, run_aragog, start_aragog
from tests.support.sample_crawls import IMPATIENT

MIB = 1024 * 1024
NAMES, IMAGES = list(PAGES), list(BOMBS)
#: A record that is cut because the extractor ended before its page did.
LOST = {"timed_out", "out_of_memory", "extractor_died", "extractor_failed"}
#: What "in little memory" means, and a page whose tree alone has more: 340 bytes a paragraph.
LITTLE_MIB, TOO_MUCH = 128, "480,000 paragraphs"
IN_FLIGHT_MIB, PLACES = 40, 4  # 10 MiB a page: none is cut by the fetch


def good(number: int) -> str:
    """A good page, with a good image and a bomb."""
    images = f"<img src=http://images.test/good/{number}><img src=http://images.test/bomb/{number % len(IMAGES)}>"
    return f"<!doctype html><title>Good {number}</title><p>Text {number}.<a href=http://start.test/1>x</a>{images}"


class Web(BaseHTTPRequestHandler):
    """start.test/N links to each Nth page; hostile.test/N, good.test/N, images.test/bomb/N and images.test/good/N."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        kind, _, rest = self.path.strip("/").rpartition("/")
        host = self.headers["Host"].partition(":")[0]
        if not rest.isdigit():
            return self._send(b"", "text/plain", status=404)
        number = int(rest)
        if host == "start.test":
            return self._send(start_page(number).encode(), "text/html")
        if host == "hostile.test" and not kind:
            page = PAGES[NAMES[number]]
            # Their images are of no interest here, and there are thousands.
            return self._send(page.content(), page.content_type, (*page.headers, ("X-Robots-Tag", "noimageindex")))
        if host == "good.test":
            return self._send(good(number).encode(), "text/html")
        if kind == "bomb":
            image = BOMBS[IMAGES[number]]
            return self._send(image.build(), image.content_type)
        return self._send(small() + b"%d" % number, "image/png")

    def _send(
        self, content: bytes, content_type: str, headers: tuple[tuple[str, str], ...] = (), status: int = 200
    ) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", content_type), ("Content-Length", str(len(content))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def numbers_of(step: int) -> list[int]:
    """Each so many-th hostile page, and the one that is too much for little memory."""
    return sorted({*range(0, len(NAMES), step), NAMES.index(TOO_MUCH)})


def start_page(step: int) -> str:
    """Links to the hostile pages of that step, and after each to a good one."""
    urls = [f"http://{kind}.test/{number}" for number in numbers_of(step) for kind in ("hostile", "good")]
    return "<title>Start</title>" + "".join(f"<a href={url}>x</a>" for url in urls)


@contextmanager
def hostile_web() -> Iterator[int]:
    """Serve it in threads; yields its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(port: int, data_dir: Path, **more: str) -> dict[str, str]:
    """The environment of commands that reach it, and it alone."""
    return environment(
        data_dir=str(data_dir),
        fetcher_connect_to=json.dumps({"*.test": f"127.0.0.1:{port}"}),
        fetcher_allow_private='["*.test"]',
        ratelimiter_qps="1000",
        crawl_bytes_in_flight_mib=str(IN_FLIGHT_MIB),
        crawl_places=str(PLACES),
        **(IMPATIENT | more),
    )


def crawled(env: dict[str, str], step: int) -> tuple[dict[str, Any], int]:
    """The end of the crawl, and the worker's highest memory in MiB."""
    crawl = start_aragog(env, "crawl", "--json", "--depth", "1", "--scope", "any", f"http://start.test/{step}")
    most_mib = most_resident(crawl)
    out, told = crawl.communicate(timeout=1_000)
    assert crawl.returncode == 0, told
    return json.loads(out), most_mib


def stored(env: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The records of the stored pages, by URL."""
    done = run_aragog(env, "store", "export")
    rows = (json.loads(line) for line in done.stdout.splitlines())
    return {row["url"]: row["page"]["record"] for row in rows if row.get("page")}


def kept(page: HostilePage, record: dict[str, Any]) -> bool:
    """True if the record has the page's statements before and after its hostile part."""
    has_link = any(link["url"] == "http://hostile.test/kept" for link in record["outlinks"])
    has_flag = not page.flag or page.flag in record["flags"]
    return record["title"].startswith(page.title) and has_link >= page.has_link and has_flag


def check_good_pages(numbers: Sequence[int], data_dir: Path, records: dict[str, dict[str, Any]]) -> None:
    """Each good page is stored whole, and its event has its good image."""
    for number in numbers:
        record = records[f"http://good.test/{number}"]
        assert (record["title"], record["flags"]) == (f"Good {number}", [])
        assert (len(record["images"]), len(record["outlinks"])) == (2, 1)
    events = {event["url"]: event for event in read_events(f"file:///{data_dir}/events.jsonl")}
    for number in numbers:
        event = events[f"http://good.test/{number}"]
        assert event["images_named"] == 2
        assert f"http://images.test/good/{number}" in {image["url"] for image in event["images"]}


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(
    ("limits", "step"),
    [
        # In `make test` each seventh page, in so little memory that children die: which ones but the one that must is
        # no matter, since how full a child's memory is depends on the pages that it had before.
        pytest.param({"extraction_memory_mib": str(LITTLE_MIB)}, 7, id="in little memory"),
        pytest.param({}, 1, id="with the limits that we ship", marks=pytest.mark.torture),
    ],
)
def test_good_pages_are_stored_whole_and_hostile_ones_kept_or_flagged(
    limits: dict[str, str], step: int, tmp_path: Path
) -> None:
    with hostile_web() as port:
        env = settings(port, tmp_path / "data", **limits)
        ended, most_mib = crawled(env, step)
    numbers = numbers_of(step)
    outcomes = Counter([PAGES[NAMES[number]].outcome for number in numbers] + ["fetched"] * (1 + len(numbers)))
    refreshes = outcomes["redirected"]
    assert ended["outcomes"] == outcomes + Counter(http_status=refreshes), ended
    records = stored(env)
    check_good_pages(numbers, tmp_path / "data", records)
    hostile = {
        NAMES[number]: records[f"http://hostile.test/{number}"]
        for number in numbers
        if PAGES[NAMES[number]].outcome == "fetched"
    }
    lost = {name for name, record in hostile.items() if LOST & set(record["flags"])}
    print(
        f"{len(lost)} of {len(hostile)} pages were too much for their extractor; the worker had {most_mib} MiB at most"
    )
    assert not [name for name, record in hostile.items() if name not in lost and not kept(PAGES[name], record)]
    assert all("truncated" in hostile[name]["flags"] for name in lost)
    if limits:
        assert TOO_MUCH in lost
        card = run_aragog(env, "lookup", f"http://hostile.test/{NAMES.index(TOO_MUCH)}")
        assert "truncated" in card.stdout
    else:
        assert not lost
    assert 40 < most_mib < 130 + 3 * IN_FLIGHT_MIB
