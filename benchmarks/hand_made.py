"""Parts written by hand beside those that Python brings: `python -m benchmarks.hand_made`; docs/adr 19 to 21.

The writer of SQLite beside a transaction a write in a thread (what aiosqlite does); the limiter's packed table beside a
dict; the child pool beside ProcessPoolExecutor. Both sides do the same work, one after the other, three times.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import resource
import sqlite3
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from sys import getsizeof

from drivers.sqlite import open_database
from ratelimiter.table import PackedTable
from runtime.children import ChildPool, Done

CALLERS = 64
PAGE = bytes(range(256)) * 256
INSERT = "INSERT INTO note VALUES (?, ?)"
TABLE = "CREATE TABLE note (id INTEGER PRIMARY KEY, body BLOB)"


def echo(argument: bytes) -> bytes:
    """The work of a child that has none."""
    return argument


def cpu_s() -> float:
    """Of this process with its threads, and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


async def by_callers(write: Callable[[int], Awaitable[object]], count: int) -> None:
    """`count` writes by callers at once, each with one write after another."""
    numbers = iter(range(count))

    async def caller() -> None:
        for number in numbers:
            await write(number)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def our_writer(folder: Path, count: int) -> None:
    database = await open_database(f"sqlite://{folder}/ours.sqlite")
    await database.write(lambda connection: connection.execute(TABLE))
    await by_callers(lambda n: database.write(lambda each: each.execute(INSERT, (n, PAGE[:300]))), count)
    await database.close()


async def a_commit_each(folder: Path, count: int) -> None:
    connection = sqlite3.connect(folder / "plain.sqlite", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(TABLE)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:
        await by_callers(lambda n: loop.run_in_executor(thread, connection.execute, INSERT, (n, PAGE[:300])), count)
    connection.close()


async def our_children(_: Path, count: int) -> None:
    async with ChildPool(1) as pool:
        for _ in range(count):
            assert isinstance(await pool.run("benchmarks.hand_made:echo", PAGE), Done)


async def process_pool(_: Path, count: int) -> None:
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        for _ in range(count):
            assert await loop.run_in_executor(pool, echo, PAGE) == PAGE


def median(work: Callable[[Path, int], Awaitable[None]], few: int, many: int) -> str:
    """µs of CPU for one more, start and end left out: the median of three."""

    def once(count: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            began = cpu_s()
            asyncio.run(work(Path(folder), count))
            return cpu_s() - began

    each = statistics.median((-once(few) + once(many)) / (many - few) for _ in range(3))
    return f"{each * 1e6:6.0f} µs CPU"


def packed_bytes(keys: Sequence[int]) -> int:
    table = PackedTable()
    for number, key in enumerate(keys):
        table.put(key, float(number))
    return sum(getsizeof(array) for part in table.parts for array in (part.keys, part.times))


def dict_bytes(keys: Sequence[int]) -> int:
    table = {key: float(number) for number, key in enumerate(keys)}
    return getsizeof(table) + sum(getsizeof(key) + getsizeof(value) for key, value in table.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writes", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--domains", type=int, default=1_000_000)
    given = parser.parse_args()
    print(f"a row written to SQLite, {CALLERS} callers at once")
    print("  drivers.sqlite              ", median(our_writer, 100, given.writes))
    print("  a thread, a commit each     ", median(a_commit_each, 100, given.writes))
    print("64 KiB to a child and back")
    print("  runtime.children            ", median(our_children, 10, given.calls))
    print("  ProcessPoolExecutor         ", median(process_pool, 10, given.calls))
    chance = random.Random(1)
    keys = [chance.getrandbits(64) | 1 for _ in range(given.domains)]
    print(f"a domain's time, of {given.domains:,}")
    print(f"  ratelimiter.table            {packed_bytes(keys) / len(keys):6.1f} bytes")
    print(f"  dict                         {dict_bytes(keys) / len(keys):6.1f} bytes")


if __name__ == "__main__":
    main()
