"""CPU time to read one page of 65 KB: `python -m benchmarks.extraction`. Ours; parsel, lxml, BeautifulSoup beside it.

Ours is what a child process does, from its request's bytes to its answer's: the whole record (title, description,
canonical, OpenGraph, Twitter, JSON-LD, images, links with text and rel, robots directives, charset, hash of the text);
and what the fetcher asks of the first bytes (canonical and refresh). The others read title, description, canonical,
OpenGraph, links and their text, in an environment of their own under .bench/; all must find the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.cpu_time import seconds
from benchmarks.peer_environment import ROOT, environment
from extraction.call import request, run
from extraction.head import read_head
from tests.acceptance.many_hosts import Shape, page
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
    """What each of them took and read."""
    with TemporaryDirectory(prefix="aragog-bench-") as folder:
        path = Path(folder) / "page.html"
        path.write_bytes(content)
        command = [str(environment() / "bin/python"), "-m", "benchmarks.peer_readers", str(path), URL]
        answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, dict[str, Any]] = json.loads(answer)
    return found


def main() -> None:
    """Print microseconds a page, and the ratios."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
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


if __name__ == "__main__":
    main()
