"""kill -9 at the steps of linking: a repeat ends the same, and so does linking what the pages became meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.urlstore.linking_steps import TARGETS, linked_before, linked_later, linked_now, urls
from tests.support.engines import CASSANDRA
from tests.support.stores import open_backends, places, service_over
from tests.support.urlstore_requests import inlinks_of, link, look
from thrift_idl.gen.urlstore.ttypes import Inlink, PutPageRequest
from urlstore.service import UrlStoreService

STEPS = 26  # three rows, three notes, three rows again, the entries, three notes: before and after each
#: Every third in `make test`, odd and even; all in `make torture`.
KILLED_AT = range(1, STEPS + 1, 1 if os.environ.get("ARAGOG_TORTURE") else 3)
Puts = Callable[[str], tuple[PutPageRequest, ...]]


async def _put(service: UrlStoreService, requests: tuple[PutPageRequest, ...]) -> None:
    for request in requests:
        await service.put_page(request)


async def _links(service: UrlStoreService, host: str) -> dict[str, list[Inlink]]:
    """Everything that links to the targets."""
    return {
        target: list((await service.inlinks(inlinks_of(url))).inlinks)
        for target, url in zip(TARGETS, urls(host, TARGETS), strict=True)
    }


async def _versions(service: UrlStoreService, host: str) -> list[int | None]:
    rows = [(await service.lookup(look(url))).row for url in urls(host)]
    return [row.linked_version if row else None for row in rows]


async def _undisturbed(host: str, folder: Path, *all_puts: Puts) -> tuple[object, object]:
    """The rows that the same puts make in an empty store, linked once in the end."""
    service = service_over(await open_backends("sqlite:///:memory:", "sqlite:///:memory:"))
    for puts in all_puts:
        await _put(service, puts(host))
    await service.link_pages(link(*urls(host)))
    ends = await _links(service, host), await _versions(service, host)
    await service.close()
    return ends


def _killed(places: tuple[str, str], host: str, step: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.faults.urlstore.linking_steps", *places, host, str(step)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


async def _prepared(service: UrlStoreService, host: str) -> None:
    await _put(service, linked_before(host))
    await service.link_pages(link(*urls(host)))
    await _put(service, linked_now(host))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("pair", ["sqlite", CASSANDRA])
async def test_killed_at_any_step_linking_is_repaired_by_a_repeat_or_by_what_comes_next(
    pair: str, tmp_path: Path
) -> None:
    with places(pair, tmp_path) as where:
        backends = await open_backends(*where)
        service = service_over(backends)
        await _prepared(service, "whole.test")
        whole = await asyncio.to_thread(_killed, where, "whole.test", 0)
        assert (whole.returncode, whole.stdout) == (0, f"{STEPS}\n"), whole.stderr
        for step in KILLED_AT:
            host = f"step{step}.test"
            await _prepared(service, host)
            done = await asyncio.to_thread(_killed, where, host, step)
            assert done.returncode == -signal.SIGKILL, done.stderr
            if step % 2:  # every other time a repeat comes first
                await service.link_pages(link(*urls(host)))
                undisturbed = await _undisturbed(host, tmp_path, linked_before, linked_now)
                assert (await _links(service, host), await _versions(service, host)) == undisturbed
            await _put(service, linked_later(host))
            await service.link_pages(link(*urls(host)))
            undisturbed = await _undisturbed(host, tmp_path, linked_before, linked_now, linked_later)
            assert (await _links(service, host), await _versions(service, host)) == undisturbed
            assert (await service.link_pages(link(*urls(host)))).linked == 0
        await service.close()
