"""Runs benchmarks by name, by default all: `python -m benchmarks [NAME ...]`; each has options of its own (-h).

Prints versions, each command line, three runs, and of each line of numbers its median. What compares (ratios) is
printed by the benchmark itself; `crawl` makes its three runs by itself.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

#: Modules of this package that are no benchmark by themselves.
PARTS = {"__init__", "__main__", "completeness", "crawl_run", "peer_spider", "stages"}
RUNS_BY_ITSELF = {"crawl", "peers"}
RUNS = 3
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w.]*\d)")
LIBRARIES = ("uvloop", "httptools", "httpx", "thrift", "orjson", "selectolax", "zstandard", "pillow", "redis")


def names() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PARTS)


def versions() -> str:
    known = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs; {known}"
    )


def run(name: str) -> str | None:
    """What it printed; None where it failed."""
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    return done.stdout if done.returncode == 0 else None


def medians(outputs: Sequence[str]) -> Iterator[str]:
    """The lines that differ in their numbers alone, with the medians of those; lines of text stay away."""
    for lines in zip(*(output.splitlines() for output in outputs), strict=False):
        found = [[float(number.replace(",", "")) for number in NUMBER.findall(line)] for line in lines]
        if found[0] and len({NUMBER.sub("#", " ".join(line.split())) for line in lines}) == 1:
            middle = iter([statistics.median(numbers) for numbers in zip(*found, strict=True)])
            yield NUMBER.sub(lambda _, middle=middle: _written(next(middle)), lines[0])  # type: ignore[misc]  # its default


def _written(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,g}"


def main(wanted: list[str]) -> int:
    """Exit code: 0, 1 where a benchmark failed, 2 where there is none of that name."""
    known = names()
    if unknown := [name for name in wanted if name not in known]:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    print(versions())
    failed = False
    for name in wanted or known:
        outputs = []
        for number in range(1 if name in RUNS_BY_ITSELF else RUNS):
            print(f"\n$ python -m benchmarks.{name}    # run {number + 1}", flush=True)
            outputs.append(run(name))
        complete = [output for output in outputs if output is not None]
        failed |= len(complete) < len(outputs)
        if len(complete) > 1:
            print(f"\n{name}, medians of {len(complete)} runs:")
            print("\n".join(f"  {line}" for line in medians(complete)), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
