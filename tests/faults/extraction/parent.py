"""A process with children, idle and busy ones; prints their pids and waits to be killed."""

from __future__ import annotations

import asyncio

from runtime.children import ChildPool

FUNCTIONS = "tests.faults.extraction.functions"


async def main() -> None:
    pool = ChildPool(4)
    await asyncio.gather(*(pool.run(f"{FUNCTIONS}:sleep", b"0.3") for _ in range(4)))
    busy = [asyncio.create_task(pool.run(f"{FUNCTIONS}:{name}", b"60")) for name in ("spin", "spin_in_c", "sleep")]
    await asyncio.sleep(0.5)
    print(*pool.pids, flush=True)
    await asyncio.gather(*busy)


if __name__ == "__main__":
    asyncio.run(main())
