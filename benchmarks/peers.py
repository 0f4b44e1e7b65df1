"""The whole path beside Scrapy's, pages per CPU-second: `python -m benchmarks.peers [--runs N] [--pages N]`.

The same web for both (pages of 65 KB with 50 links on 100 hosts, served by a process that isn't counted), the same
seeds, as many requests at once, robots.txt obeyed, no images, crawled to the end. Ours stores pages, content and graph
with its inlinks, and can be killed and resumed; Scrapy runs with the settings of its documentation's "Broad Crawls", in
three forms: nothing stored; pages, content (zstd) and graph stored in SQLite by a plain pipeline; that with a JOBDIR,
so that it can be stopped and resumed. CPU time is the process's with its threads, its children and its start, as the
kernel tells when it ends. Runs alternate. After each the store is read: every page there, content to the byte, links
one by one.

Scrapy gets an environment of its own under .bench/, made by the first run (uv or pip).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bytecode import compile_ours
from benchmarks.peer_environment import environment
from tests.support.many_hosts import Shape, Web, many_hosts

AT_ONCE = 100
#: https://docs.scrapy.org/en/latest/topics/broad-crawls.html, section by section; then what is the same on both sides.
BROAD = {
    "SCHEDULER_PRIORITY_QUEUE": "scrapy.pqueues.DownloaderAwarePriorityQueue",
    "CONCURRENT_REQUESTS": AT_ONCE,
    "REACTOR_THREADPOOL_MAXSIZE": 20,
    "LOG_LEVEL": "INFO",
    "COOKIES_ENABLED": False,
    "RETRY_ENABLED": False,
    "DOWNLOAD_TIMEOUT": 15,
    "REDIRECT_ENABLED": False,
    "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE,
    "ROBOTSTXT_OBEY": True,
    "TWISTED_DNS_RESOLVER": "peer_spider.OneOrigin",
}
STORED = {"ITEM_PIPELINES": '{"peer_spider.Stored": 1}'}


@dataclass(frozen=True, slots=True)
class Peer:
    """One form of one crawler."""

    name: str
    command: Callable[[Path, Web], Sequence[str]]
    """What is run, in a folder of its own, over a web."""
    check: Callable[[Path, Mapping[str, str], Shape], None] | None
    """Reads its store; raises AssertionError where that isn't the web's. Given the folder, the settings of ours."""


@dataclass(frozen=True, slots=True)
class Run:
    """The kernel's numbers for a process that ended, its children included."""

    cpu_s: float
    wall_s: float
    peak_mib: float


def ours(folder: Path, web: Web) -> Sequence[str]:
    """Our worker over the embedded store, limits raised."""
    variables = (f"{name}={value}" for name, value in settings(folder, web).items() if name.startswith("ARAGOG_"))
    return ["env", *variables, sys.executable, "-m", "benchmarks.crawl_run", f"{folder}/seeds.txt", "--no-signals"]


def settings(folder: Path, web: Web) -> Mapping[str, str]:
    return web.settings(folder / "data", ratelimiter_qps="1000", crawl_places=str(AT_ONCE))


def scrapy(*, stored: bool = False, resumable: bool = False) -> Callable[[Path, Web], Sequence[str]]:
    def command(folder: Path, web: Web) -> Sequence[str]:
        given = BROAD | {"ORIGIN_PORT": web.port} | (STORED | {"STORE_FILE": f"{folder}/store.db"} if stored else {})
        given |= {"JOBDIR": f"{folder}/job"} if resumable else {}
        options = [option for name, value in given.items() for option in ("-s", f"{name}={value}")]
        spider = str(Path(__file__).with_name("peer_spider.py"))
        return [str(environment() / "bin/scrapy"), "runspider", spider, "-a", f"seeds={folder}/seeds.txt", *options]

    return command


def check_ours(folder: Path, web: Mapping[str, str], shape: Shape) -> None:
    from benchmarks.completeness import of_ours

    asyncio.run(of_ours(web, shape))


def check_theirs(folder: Path, web: Mapping[str, str], shape: Shape) -> None:
    from benchmarks.completeness import of_theirs

    of_theirs(folder / "store.db", shape)


PEERS = (
    Peer("Aragog: pages, content, graph stored; resumable", ours, check_ours),
    Peer("Scrapy: nothing stored", scrapy(), None),
    Peer("Scrapy: pages, content, graph stored", scrapy(stored=True), check_theirs),
    Peer("Scrapy: the same, resumable (JOBDIR)", scrapy(stored=True, resumable=True), check_theirs),
)


def one_run(peer: Peer, shape: Shape, shown: bool) -> Run:
    """A web and a crawl of it, both new; its store read afterwards."""
    with TemporaryDirectory(prefix="aragog-bench-") as name, many_hosts(Path(name) / "web", shape) as web:
        folder = Path(name)
        (folder / "seeds.txt").write_text("".join(f"http://h{host}.test/0\n" for host in range(shape.hosts)))
        command = peer.command(folder, web)
        if shown:
            print(f"  $ {shlex.join(command)}", flush=True)
        run = measured(command, folder / "log.txt")
        requested = {(host, path) for _, host, path in web.log().requests if path != "/robots.txt"}
        assert len(requested) == shape.hosts * shape.pages, f"{len(requested)} pages requested"
        if peer.check:
            apart(peer.check, folder, settings(folder, web), shape)
        return run


def apart(function: Callable[..., None], *arguments: object) -> None:
    """Call it in a process of its own: what this one ever held would count as held by all that it starts later."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        process.submit(function, *arguments).result()


def measured(command: Sequence[str], log: Path) -> Run:
    """Run it to its end. Raises `RuntimeError` with its last words where it fails."""
    began = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-2_000:]}")
    return Run(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)


def report(results: Mapping[str, Sequence[Run]], pages: int) -> None:
    """A line for each, then the ratios of the medians."""
    rates = {name: statistics.median(pages / run.cpu_s for run in runs) for name, runs in results.items()}
    print("\n| crawler | pages per CPU-second | runs | on the clock | resident |\n| --- | ---: | --- | ---: | ---: |")
    for name, runs in results.items():
        each = ", ".join(f"{pages / run.cpu_s:.1f}" for run in runs)
        wall = statistics.median(pages / run.wall_s for run in runs)
        peak = max(run.peak_mib for run in runs)
        print(f"| {name} | {rates[name]:.1f} | {each} | {wall:.0f} pages/s | {peak:.0f} MiB |")
    print()
    own, *theirs = PEERS
    for peer in theirs:
        print(f"ratio, Aragog to {peer.name}: {rates[own.name] / rates[peer.name]:.2f}")


def versions() -> str:
    """Scrapy's own list, in one line."""
    command = [str(environment() / "bin/scrapy"), "version", "-v"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return ", ".join(" ".join(line.split(" (")[0].replace(":", "").split()) for line in lines if ":" in line)


def main() -> None:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pages", type=int, default=2_000, help="pages of all 100 hosts together")
    given = parser.parse_args()
    shape = Shape(65_536, 50, 100, given.pages // 100)
    compile_ours()
    print(f"{versions()}; {shape}")
    results: dict[str, list[Run]] = {peer.name: [] for peer in PEERS}
    for number in range(given.runs):
        for peer in PEERS:
            print(f"{peer.name}, run {number + 1}:", flush=True)
            run = one_run(peer, shape, shown=number == 0)
            print(f"  {run.cpu_s:.2f} s CPU, {run.wall_s:.1f} s on the clock", flush=True)
            results[peer.name].append(run)
    report(results, shape.hosts * shape.pages)


if __name__ == "__main__":
    main()
