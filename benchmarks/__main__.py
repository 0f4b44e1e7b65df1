"""Runs benchmarks by name, by default all in turn: `python -m benchmarks [--json] [NAME ...]`.

Prints machine and versions, each command line, three runs, and of each line of numbers its median. What compares
(ratios) is printed by the benchmark itself; `crawl`, `fetch` and `peers` make their runs by themselves. Each is a
module of its own, with options of its own and a --help that says what it measures: `python -m benchmarks.NAME --help`.
With --json one object goes to standard output, and what people read to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from benchmarks.medians import figures, written

#: Modules of this package that are no benchmark by themselves.
PARTS = {
    "bytecode",
    "completeness",
    "cpu_time",
    "crawl_run",
    "fetch_clients",
    "fetch_limiter",
    "fetch_scrapy",
    "limiter_peer",
    "limiter_pool",
    "limiter_redis",
    "medians",
    "mutants",
    "peer_environment",
    "peer_readers",
    "peer_spider",
    "pinlater_load",
    "pinlater_peer",
    "realistic",
    "realistic_peers",
    "stages",
}
RUNS_BY_ITSELF = {"crawl", "fetch", "peers"}
RUNS = 3
LIBRARIES = ("uvloop", "httptools", "httpx", "thrift", "orjson", "selectolax", "zstandard", "pillow", "redis")


def names() -> list[str]:
    found = {path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("__")}
    return sorted(found - PARTS)


def machine() -> dict[str, Any]:
    """The machine, and its present load."""
    cpuinfo = Path("/proc/cpuinfo")
    models = [line for line in cpuinfo.read_text().splitlines() if "model name" in line] if cpuinfo.exists() else []
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": models[0].partition(":")[2].strip() if models else platform.processor(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def run(name: str, out: TextIO) -> str | None:
    """Its output; None if it failed."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", file=out, flush=True)
    return done.stdout if done.returncode == 0 else None


def benchmark(name: str, out: TextIO) -> dict[str, Any]:
    """All runs of one, and its medians."""
    command, outputs, began = f"python -m benchmarks.{name}", [], time.perf_counter()
    for number in range(1 if name in RUNS_BY_ITSELF else RUNS):
        print(f"\n$ {command}    # run {number + 1}", file=out, flush=True)
        outputs.append(run(name, out))
    complete = [output for output in outputs if output is not None]
    found = list(figures(complete)) if complete else []
    if len(complete) > 1:
        print(f"\n{name}, medians of {len(complete)} runs:", file=out)
        print("\n".join(f"  {written(figure)}" for figure in found), file=out, flush=True)
    return {
        "name": name,
        "command": command,
        "failed": len(outputs) - len(complete),
        "seconds": round(time.perf_counter() - began, 1),
        "figures": [{"line": each.line, "medians": each.medians, "runs": each.runs} for each in found],
    }


def main(arguments: list[str]) -> int:
    """Exit code: 0, 1 where a benchmark failed, 2 where there is none of that name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names())}")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in names()]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(names())}")
    out, where = (sys.stderr if given.json else sys.stdout), machine()
    print("; ".join(f"{key} {value}" for key, value in where.items() if key != "libraries"), file=out)
    print(", ".join(f"{name} {number}" for name, number in where["libraries"].items()), file=out)
    done = [benchmark(name, out) for name in given.names or names()]
    if given.json:
        print(json.dumps({"machine": where, "benchmarks": done}, indent=2))
    return int(any(each["failed"] for each in done))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
