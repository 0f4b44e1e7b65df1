"""An engine killed or paused in the midst of puts: BackendDown in time, nothing acknowledged lost, healed by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.engines import Engine
from tests.support.stores import service_over
from tests.support.urlstore_requests import content_of, look, put
from thrift_idl.errors import BackendDown
from urlstore.backends.files import FileContent
from urlstore.backends.sqlite import SqliteMetadata
from urlstore.service import UrlStoreService

_TIMEOUT_MS = 1_500
_LONGEST_S = 20


async def test_cassandra_killed_and_paused(private_cassandra: Engine, tmp_path: Path) -> None:
    from urlstore.backends.cassandra import CassandraMetadata

    metadata = await CassandraMetadata.open(f"{private_cassandra.url}/aragog", request_timeout_ms=_TIMEOUT_MS)
    service = service_over((metadata, await FileContent.open(f"file:///{tmp_path}")))
    await _survives(service, private_cassandra)
    await service.close()


async def test_s3_killed_and_paused(private_s3: Engine) -> None:
    from urlstore.backends.s3 import S3Content

    content = await S3Content.open(f"{private_s3.url}/pages", request_timeout_ms=_TIMEOUT_MS)
    service = service_over((await SqliteMetadata.open("sqlite:///:memory:"), content))
    await _survives(service, private_s3)
    await service.close()


async def _survives(service: UrlStoreService, engine: Engine) -> None:
    stored = await _stored_while(service, "kill", engine.kill)
    await _is_down(service)
    await asyncio.to_thread(engine.start)
    await _heals(service)
    await _has(service, stored)

    stored = await _stored_while(service, "pause", engine.pause)
    await _is_down(service)
    engine.resume()
    await _heals(service)
    await _has(service, stored)


async def _stored_while(service: UrlStoreService, name: str, disturb: Callable[[], object]) -> list[str]:
    """URLs whose puts were acknowledged while the engine was disturbed in their midst."""
    stored: list[str] = []
    disturbed = asyncio.Event()

    async def put_on(lane: int) -> None:
        for number in range(100_000):
            url = f"http://{name}.test/{lane}/{number}"
            try:
                await service.put_page(put(url, url.encode()))
            except BackendDown as error:
                assert "127.0.0.1" in error.message and "aragog-on-loopback" not in error.message
                assert disturbed.is_set(), error
                return
            stored.append(url)

    async with asyncio.timeout(_LONGEST_S):
        lanes = [asyncio.create_task(put_on(lane)) for lane in range(4)]
        while len(stored) < 20:
            await asyncio.sleep(0.01)
        disturbed.set()
        await asyncio.to_thread(disturb)
        await asyncio.gather(*lanes)
    return stored


async def _is_down(service: UrlStoreService) -> None:
    async with asyncio.timeout(_LONGEST_S):
        with pytest.raises(BackendDown):
            await service.put_page(put("http://down.test/"))


async def _heals(service: UrlStoreService) -> None:
    async with asyncio.timeout(_LONGEST_S):
        while True:
            try:
                await service.put_page(put("http://up.test/"))
                return
            except BackendDown:
                await asyncio.sleep(0.1)


async def _has(service: UrlStoreService, stored: list[str]) -> None:
    for url in stored:
        assert (await service.get_content(content_of(url))).content == url.encode()
    found = await service.lookup(look("http://down.test/"))
    assert found.row is None or found.row.page is not None
