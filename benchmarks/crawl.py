"""Pages per CPU-second of a whole embedded crawl, and where the time goes: `python -m benchmarks.crawl`.

A web of its own (another process, not counted) serves pages with links on many hosts; limits are raised. Each run is
a process of its own with a new data directory: crawl, signals (one event a page) and inlinks, to the end. CPU time is
that process's, with all its threads and children.

`--memory` makes one run and prints resident memory over the pages; `--profile FILE` makes one run under pyinstrument.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bytecode import compile_ours
from benchmarks.crawl_run import Result
from tests.support.many_hosts import Shape, many_hosts


def one_run(shape: Shape, *options: str) -> Result:
    """A web and a crawl of it, both new."""
    with TemporaryDirectory(prefix="aragog-bench-") as folder, many_hosts(Path(folder), shape) as web:
        seeds = Path(folder) / "seeds.txt"
        seeds.write_text("".join(f"http://h{host}.test/0\n" for host in range(shape.hosts)))
        env = web.settings(Path(folder) / "data", ratelimiter_qps="1000")
        command = [sys.executable, "-m", "benchmarks.crawl_run", str(seeds), *options]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        return Result(**json.loads(done.stdout.splitlines()[-1]))


def report(name: str, results: Sequence[Result]) -> float:
    """One line; the median of pages per CPU-second."""
    rates = [each.pages / each.cpu_s for each in results]
    walls = [each.pages / each.wall_s for each in results]
    runs = ", ".join(f"{rate:.1f}" for rate in rates)
    median = statistics.median(rates)
    print(
        f"{name}: {median:.1f} pages per CPU-second (runs: {runs}), {statistics.median(walls):.0f} pages/s on the clock"
    )
    print(f"    {results[0].pages:,} pages each; resident at most {max(each.peak_mib for each in results):.0f} MiB")
    return median


def report_stages(result: Result) -> None:
    """A table of CPU time a page."""
    loop = result.threads.pop("MainThread") - result.start_s
    rows = {**result.stages, "event loop, sockets, the rest of the way": loop - sum(result.stages.values())}
    rows |= {f"threads: {name}": seconds for name, seconds in result.threads.items()}
    rows |= {"children: extraction": result.children_s}
    whole = sum(rows.values())
    print(
        f"\nWhere the time goes ({result.start_s:.1f} s of starting aside); the pool of threads in its parts below:\n"
    )
    print("| stage | µs CPU a page | share | calls a page |\n| --- | ---: | ---: | ---: |")
    for name, seconds in sorted(rows.items(), key=lambda row: -row[1]):
        print(f"| {name} | {seconds / result.pages * 1e6:,.0f} | {seconds / whole:.0%} | {often(result, name)} |")
    print("\n| in the pool of threads | µs CPU a page | calls a page |\n| --- | ---: | ---: |")
    for name, seconds in sorted(result.in_threads.items(), key=lambda row: -row[1]):
        if seconds / result.pages > 10e-6:
            print(f"| {name} | {seconds / result.pages * 1e6:,.0f} | {often(result, name)} |")


def often(result: Result, stage: str) -> str:
    return f"{result.calls[stage] / result.pages:.2f}" if stage in result.calls else ""


def report_memory(result: Result) -> None:
    """The curve."""
    report("memory", [result])
    for pages, mib in result.curve:
        print(f"    {pages:8,} pages {mib:6.0f} MiB")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--pages", type=int, default=2_000, help="pages of all hosts together")
    parser.add_argument("--size", type=int, default=65_536, help="bytes a page")
    parser.add_argument("--links", type=int, default=50, help="links a page")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--profile", default="")
    given = parser.parse_args(arguments)
    compile_ours()
    shape = Shape(given.size, given.links, given.hosts, given.pages // given.hosts)
    libraries = ", ".join(f"{name} {version(name)}" for name in ("uvloop", "httptools", "selectolax", "zstandard"))
    print(f"Python {platform.python_version()}, {libraries}; {shape}")
    if given.memory:
        report_memory(one_run(shape, "--memory"))
    elif given.profile:
        report("profiled", [one_run(shape, "--profile", str(Path(given.profile).resolve()))])
    else:
        whole = report("whole path", [one_run(shape) for _ in range(given.runs)])
        without = report("without signals", [one_run(shape, "--no-signals") for _ in range(given.runs)])
        print(f"without signals : with signals = {without / whole:.2f}")
        report_stages(one_run(shape, "--stages"))


if __name__ == "__main__":
    main()
