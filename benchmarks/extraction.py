"""CPU time to read one page of 65 KB: `python -m benchmarks.extraction`. Ours; parsel, lxml, BeautifulSoup beside it.

Ours is what a child process does, from its request's bytes to its answer's: the whole record (title, description,
canonical, OpenGraph, Twitter, JSON-LD, images, links with text and rel, robots directives, charset, hash of the text);
and what the fetcher asks of the first bytes (canonical and refresh). The others read title, description, canonical,
OpenGraph, links and their text, in an environment of their own under .bench/; all must find the same.

Then what the parts of a record cost, two hundred pages of 30 to 100 KB beside extruct, parsel and BeautifulSoup, and
memory over many pages (`--memory 100000`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import realistic
from benchmarks.cpu_time import seconds
from benchmarks.peer_environment import ORACLES, ROOT, environment
from extraction.child_call import run
from extraction.child_request import request
from extraction.head import read_head
from tests.support.many_hosts import Shape, page
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.records import unpack

URL = "http://h1.test/7"
SHAPE = Shape(bytes=65_536 - 400, links=50, hosts=100, pages=100)
HEAD = """<!doctype html><link rel=canonical href="http://h1.test/7">
<meta property="og:title" content="Page 7 of h1.test">
<meta property="og:type" content="article"><meta property="og:url" content="http://h1.test/7">
<meta property="og:image" content="http://h1.test/7.jpg"><meta property="og:site_name" content="Gardens">
"""


def sample() -> bytes:
    """A page as the whole path's are, with a canonical link and OpenGraph."""
    content = HEAD.encode() + page(SHAPE, "h1.test", 7).removeprefix(b"<!doctype html>")
    return content.ljust(65_536)


def ours(content: bytes) -> dict[str, Any]:
    """The fields that the others read."""
    record = unpack(PageRecord, run(request(content, URL, "utf-8")))
    return {
        "title": record.title,
        "description": record.description,
        "canonical": record.canonical,
        "og": [[each.name, each.content] for each in record.opengraph],
        "links": [[link.url, link.text] for link in record.outlinks],
    }


def others(content: bytes) -> dict[str, dict[str, Any]]:
    """The time and the findings of each."""
    with TemporaryDirectory(prefix="aragog-bench-") as folder:
        path = Path(folder) / "page.html"
        path.write_bytes(content)
        command = [str(environment() / "bin/python"), "-m", "benchmarks.peer_readers", str(path), URL]
        answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, dict[str, Any]] = json.loads(answer)
    return found


def goals(content: bytes) -> None:
    """The cost of a page's parts: the card with types and images, its links, its text."""
    links = content.replace(b"<a href", b"<i data-href").replace(b"</a>", b"</i>")
    card, record = request(links, URL, "utf-8"), request(content, URL, "utf-8")
    text = request(content, URL, "utf-8", text_features=True)
    took = [seconds(lambda asked=asked: run(asked)) * 1e6 for asked in (card, record, text)]  # type: ignore[misc]
    print(f"{'card, types, images':34} {took[0]:8,.0f} µs CPU/page    goal 1,000")
    print(f"{'its links':34} {took[1] - took[0]:8,.0f} µs CPU more    goal 700 of 132 links")
    print(f"{'text features':34} {took[2] - took[1]:8,.0f} µs CPU more    goal 4,000")


def whole_pages(folder: Path) -> None:
    """Pages of 30 to 100 KB as templates make them: pages a CPU second, and what was found in them."""
    paths = realistic.write(folder)
    mean = sum(path.stat().st_size for path in paths) / len(paths)
    print(f"\n{len(paths)} pages of {mean:,.0f} bytes")
    rows = {"ours, the whole record": realistic.measured(realistic.ours, paths)}
    rows["ours, text features too"] = realistic.measured(realistic.ours_with_text, paths)
    python = environment("oracles", ORACLES) / "bin/python"
    command = [str(python), "-m", "benchmarks.realistic_peers", str(folder)]
    rows |= json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)
    fields = list(dict.fromkeys(name for row in rows.values() for name in row["found"]))
    print(f"{'':34} {'pages/s':>8}" + "".join(f"{name:>11}" for name in fields))
    for name, row in rows.items():
        print(f"{name:34} {row['per_s']:8,.0f}" + "".join(f"{row['found'].get(field, 0):11,}" for field in fields))


def memory(pages: int, folder: Path) -> None:
    """Resident memory of one process over many pages: a child has no other state."""
    asked = [request(path.read_bytes(), URL, "utf-8", text_features=True) for path in sorted(folder.glob("*.html"))]
    print(f"\n{'pages':>10} {'resident':>10}")
    for number in range(pages + 1):
        run(asked[number % len(asked)])
        if number % max(1, pages // 5) == 0:
            print(f"{number:10,} {_resident_mib():8.1f} MiB", flush=True)


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def main() -> None:
    """Print microseconds a page, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", type=int, default=2_000, help="pages over which memory is looked at")
    pages = parser.parse_args().memory
    content = sample()
    asked, fields = request(content, URL, "utf-8"), ours(content)
    whole, head = seconds(lambda: run(asked)), seconds(lambda: read_head(content, URL, "utf-8"))
    print(f"a page of {len(content):,} bytes, {len(fields['links'])} links")
    print(f"{'ours, the whole record':34} {whole * 1e6:8,.0f} µs CPU/page")
    print(f"{'ours, the head alone':34} {head * 1e6:8,.0f} µs CPU/page")
    for name, other in others(content).items():
        assert other["fields"] == fields, f"{name} read something else: {other['fields']}"
        took = other["seconds"]
        print(f"{name:34} {took * 1e6:8,.0f} µs CPU/page    {took / whole:5.2f} times ours, ratio")
    goals(content)
    with TemporaryDirectory(prefix="aragog-bench-") as folder:
        whole_pages(Path(folder))
        memory(pages, Path(folder))


if __name__ == "__main__":
    main()
