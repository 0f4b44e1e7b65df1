"""A process that grants in a loop and writes down what it was granted: `granter DIRECTORY LEDGER QPS DOMAIN...`.

One line a grant: domain, then the wall time (ms) before and after the call, each plus the wait: the slot lies between.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from ratelimiter import FileState, LimitsInForce, RateLimiterService
from runtime.clock import monotonic_ms
from tests.support.limiter_requests import reserve


async def grant_for_ever(directory: Path, ledger: int, qps: float, domains: list[str]) -> None:
    state = await FileState.open(directory, monotonic_ms, rotate_bytes=2_000)
    service = RateLimiterService(state, await LimitsInForce.open(default_qps=qps))
    while True:
        for domain in domains:
            before = time.time_ns() / 1e6
            grant = await reserve(service, domain)
            after = time.time_ns() / 1e6
            if grant.granted:
                line = f"{domain} {before + grant.wait_ms:.4f} {after + grant.wait_ms:.4f}\n"
                os.write(ledger, line.encode())
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    book = os.open(sys.argv[2], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    asyncio.run(grant_for_ever(Path(sys.argv[1]), book, float(sys.argv[3]), sys.argv[4:]))
