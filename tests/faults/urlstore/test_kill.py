"""kill -9 at every step of a put: a reader never sees a row without its content, and the put repeated ends the same."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.urlstore.stepping import first_puts, the_put
from tests.support.engines import CASSANDRA
from tests.support.stores import Backends, open_backends, places, service_over
from tests.support.urlstore_requests import content_of, look, put
from thrift_idl.records import to_json
from urlstore.service import UrlStoreService

PATHS = ("", "moved", "one", "two")
STEPS = 14  # a read, content, the row, the aliases' rows, records of redirects, two aliases: before and after each


async def _rows(service: UrlStoreService, host: str) -> list[object]:
    """Everything under the host, as a reader sees it; every row's content is read."""
    seen: list[object] = []
    for path in PATHS:
        found = await service.lookup(look(f"http://{host}/{path}"))
        if found.row and found.row.page:
            content = await service.get_content(content_of(found.row.url))
            assert content.content_hash == found.row.page.content_hash
        seen.append(to_json(found))
    return seen


async def _undisturbed(host: str, folder: Path) -> list[object]:
    backends = await open_backends("sqlite:///:memory:", "sqlite:///:memory:")
    service = service_over(backends)
    for request in (*first_puts(host), the_put(host)):
        await service.put_page(request)
    rows = await _rows(service, host)
    await service.close()
    return rows


def _killed(urls: tuple[str, str], host: str, step: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.faults.urlstore.stepping", *urls, host, str(step)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


async def _put_killed_at(step: int, urls: tuple[str, str], backends: Backends, folder: Path) -> None:
    host = f"step{step}.test"
    service = service_over(backends)
    for request in first_puts(host):
        await service.put_page(request)
    done = await asyncio.to_thread(_killed, urls, host, step)
    assert done.returncode == -signal.SIGKILL, done.stderr
    await _rows(service, host)
    await service.put_page(the_put(host))
    assert await _rows(service, host) == await _undisturbed(host, folder)


@pytest.mark.parametrize("pair", ["sqlite", "files", CASSANDRA])
async def test_killed_at_any_step_a_put_leaves_no_row_without_content_and_repeated_ends_the_same(
    pair: str, tmp_path: Path
) -> None:
    with places(pair, tmp_path) as urls:
        backends = await open_backends(*urls)
        whole = await asyncio.to_thread(_killed, urls, "whole.test", 0)
        assert (whole.returncode, whole.stdout) == (0, f"{STEPS}\n"), whole.stderr
        for step in range(1, STEPS + 1):
            await _put_killed_at(step, urls, backends, tmp_path)
        for backend in backends:
            await backend.close()


WRITER = """
import asyncio, itertools, sys
from tests.support.urlstore_requests import put
from tests.support.stores import open_backends, service_over

async def main():
    service = service_over(await open_backends(sys.argv[1], sys.argv[2]))
    print("ready", flush=True)
    for number in itertools.count(int(sys.argv[3])):
        await service.put_page(put(f"http://a.test/{number % 5}", b"%d." % number * 20_000, at=number))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("pair", ["sqlite", "files"])
async def test_killed_at_any_time_a_store_keeps_what_it_acknowledged(pair: str, tmp_path: Path) -> None:
    seed = 20261122
    chance = random.Random(seed)
    number = 0
    with places(pair, tmp_path) as urls:
        for _ in range(8):
            command = [sys.executable, "-c", WRITER, *urls, str(number)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
                assert writer.stdout and writer.stdout.readline() == "ready\n"
                await asyncio.sleep(chance.uniform(0, 0.2))
                writer.kill()
                acknowledged = [int(line) for line in writer.stdout if line.endswith("\n")]
            service = service_over(await open_backends(*urls))
            for last in acknowledged[-5:]:
                url = f"http://a.test/{last % 5}"
                content = await service.get_content(content_of(url))
                # The next write of the same URL may have been stored, though not acknowledged.
                assert content.content in (b"%d." % last * 20_000, b"%d." % (last + 5) * 20_000)
            number = max([number, *acknowledged]) + 10
            await service.put_page(put("http://b.test/", at=number))
            await service.close()
    assert number > 0
    assert not list(tmp_path.glob("incoming/*")), "what the killed had begun is swept"
