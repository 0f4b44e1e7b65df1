"""The UrlStore: in this process over the backends that the settings name, or a client of its service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aragog.assembly.backends import CONTENT, METADATA, open_backend
from aragog.assembly.clients import client_of
from aragog.settings import Settings
from aragog.telemetry import store_telemetry
from thrift_idl.gen.urlstore.protocol import UrlStore
from urlstore.service import UrlStoreService


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[UrlStore]:
    """The UrlStore. Needs no lock: several processes may read and write one embedded store."""
    if settings.urlstore.service:
        async with client_of(settings.urlstore.service, UrlStore) as client:
            yield client
        return
    async with local_store(settings) as store:
        yield store


@asynccontextmanager
async def local_store(settings: Settings) -> AsyncIterator[UrlStoreService]:
    """The UrlStore of this process, over the backends that the settings name."""
    given = settings.urlstore
    metadata = await open_backend("urlstore.metadata", METADATA, given.metadata, settings)
    try:
        content = await open_backend("urlstore.content", CONTENT, given.content, settings)
    except BaseException:
        await metadata.close()
        raise
    service = UrlStoreService(metadata, content, telemetry=store_telemetry(settings))
    try:
        yield service
    finally:
        await service.close()
