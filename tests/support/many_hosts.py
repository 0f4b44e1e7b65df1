"""A web of many hosts behind one loopback port, for load: `python -m tests.support.many_hosts --ready-file FILE`.

Every host answers `/N` with page N: HTML of `--bytes`, with `--links` links to pages of the same number space on its
own host and on the next one (`--pages` each, host names `h0.test` ... as `--hosts` says). `/robots.txt` is 404. Each
request is logged in memory, and written as `seconds host path` lines on SIGTERM; the first line is how late this
process noticed things at most, which is how wrong those seconds may be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.support.processes import environment, stop

WORDS = ("garden", "rose", "tomato", "slug", "compost", "spade", "autumn", "the", "of", "and", "in", "a", "to", "with")
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of the pages."""

    bytes: int = 600
    links: int = 0
    hosts: int = 100
    pages: int = 100


def page(shape: Shape, host: str, number: int) -> bytes:
    """Page `number` of `host`: the same bytes at every request, and no two pages alike."""
    head = f"<!doctype html><title>Page {number} of {host}</title><meta name=description content='About {number}.'>\n"
    own = (head + "".join(links(shape, host, number))).encode()
    return own + filler(max(0, shape.bytes - len(own)))


@lru_cache(maxsize=64)
def filler(size: int) -> bytes:
    """Paragraphs as articles have them, `size` bytes of them."""
    paragraphs = []
    for turn in range(size // 100 + 1):
        words = " ".join(WORDS[(turn * step) % len(WORDS)] for step in range(1, 40))
        strong = f"<b>{turn}</b>" if turn % 4 == 0 else str(turn)
        paragraphs.append(f"<div class=part><p id=p{turn}>{words}, and {strong}.</p></div>\n")
    return "".join(paragraphs).encode()[:size]


def links(shape: Shape, host: str, number: int) -> Iterator[str]:
    """Four of five lead on within the host, the others to the same page of the next host."""
    for step in range(shape.links):
        target = (number * 3 + step + 1) % shape.pages
        name = host
        if step % 5 == 4:
            at = int(host[1:].partition(".")[0]) if host[1:].partition(".")[0].isdigit() else 0
            name = f"h{(at + 1) % shape.hosts}.test"
        yield f"<li><a href='http://{name}/{target}'>Page {target} of {name}</a></li>\n"


class Origin(asyncio.Protocol):
    """One connection."""

    def __init__(self, shape: Shape, log: list[tuple[float, str, str]]) -> None:
        self._shape = shape
        self._log = log
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            self._transport.write(self._answer(head.decode("latin-1").split("\r\n")))

    def _answer(self, lines: list[str]) -> bytes:
        path = lines[0].split(" ")[1]
        host = next(line[5:].strip() for line in lines if line.lower().startswith("host:")).partition(":")[0]
        self._log.append((time.time(), host, path))
        number = path.strip("/").partition("?")[0]
        if not number.isdigit():
            return NOT_FOUND
        content = page(self._shape, host, int(number))
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(content) + content


async def serve(shape: Shape, ready_file: Path, log_file: Path) -> None:
    """Serve until SIGTERM, then write the log."""
    log: list[tuple[float, str, str]] = []
    with suppress(PermissionError):
        os.nice(-10)  # its clock times the requests: on a busy machine it had better not wait its turn
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: Origin(shape, log), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    part = ready_file.with_suffix(".part")
    part.write_text(json.dumps({"port": port}))
    part.replace(ready_file)
    lag = await lag_until(stopped)
    log_file.write_text(f"{lag:.6f} lag -\n" + "".join(f"{when:.6f} {host} {path}\n" for when, host, path in log))


async def lag_until(stopped: asyncio.Event, every: float = 0.01) -> float:
    """The longest delay of a short sleep, in seconds."""
    worst = 0.0
    while not stopped.is_set():
        began = time.monotonic()
        await asyncio.sleep(every)
        worst = max(worst, time.monotonic() - began - every)
    return worst


@dataclass(frozen=True, slots=True)
class Log:
    """The requests to a web."""

    requests: list[tuple[float, str, str]]
    """(seconds since 1970, host, path), in order."""
    lag_s: float
    """How wrong the seconds may be."""


@dataclass(frozen=True, slots=True)
class Web:
    """A web that is served at present."""

    port: int
    process: subprocess.Popen[str]
    log_file: Path

    def settings(self, data_dir: Path, **settings: str) -> dict[str, str]:
        """The environment of commands that reach it, and it alone."""
        connect_to = json.dumps({"*.test": f"127.0.0.1:{self.port}"})
        allow = '["*.test"]'
        return environment(
            data_dir=str(data_dir), fetcher_connect_to=connect_to, fetcher_allow_private=allow, **settings
        )

    def log(self) -> Log:
        """Ends the web; what it was asked for."""
        stop(self.process)
        (lag, *_), *lines = (line.split(" ") for line in self.log_file.read_text().splitlines())
        return Log(sorted((float(when), host, path) for when, host, path in lines), float(lag))


@contextmanager
def many_hosts(folder: Path, shape: Shape = Shape()) -> Iterator[Web]:
    """Serve it in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    ready, log = folder / "ready.json", folder / "requests.log"
    command = [sys.executable, "-m", "tests.support.many_hosts", "--ready-file", str(ready), "--log", str(log)]
    for name in ("bytes", "links", "hosts", "pages"):
        command += [f"--{name}", str(getattr(shape, name))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
            time.sleep(0.02)
        yield Web(json.loads(ready.read_text())["port"], process, log)
    finally:
        stop(process)


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    for name in ("bytes", "links", "hosts", "pages"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Shape(), name))
    given = parser.parse_args()
    asyncio.run(serve(Shape(given.bytes, given.links, given.hosts, given.pages), given.ready_file, given.log))


if __name__ == "__main__":
    main()
