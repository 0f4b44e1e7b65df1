"""Runs benchmarks by name, by default all: `python -m benchmarks [NAME ...]`; each has options of its own (-h)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: Modules of this package that are no benchmark by themselves.
PARTS = {"__init__", "__main__", "crawl_run", "stages"}


def names() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PARTS)


def main(wanted: list[str]) -> int:
    """Each in a process of its own, its command line first; how many failed."""
    known = names()
    if unknown := [name for name in wanted if name not in known]:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted or known:
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        print(f"\n$ python -m benchmarks.{name}", flush=True)
        failed += subprocess.run(command, check=False).returncode != 0
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
