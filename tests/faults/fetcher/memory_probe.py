"""Run as a process: fetch a bomb from PORT with a cap, print the growth of memory, the content's size and the flags."""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from tests.support.loopback_fetcher import asked, fetching


def peak() -> int:
    """Highest resident size so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def main(port: int, cap: int) -> None:
    async with fetching(port) as (fetcher, _):
        await fetcher.fetch(asked(f"http://127.0.0.1:{port}/small"))
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
        before = peak_now()
        result = await fetcher.fetch(asked(f"http://127.0.0.1:{port}/bomb", max_bytes=cap))
        print(peak_now() - before, len(result.content), ",".join(result.flags))


def peak_now() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return peak()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
