"""Stores for tests: where a pair of backends lives, how it is opened, how it is served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.support import engines
from tests.support.urlstore_requests import T0
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.rpc import Channel, RpcServer
from urlstore.backends import ContentBackend, MetadataBackend
from urlstore.backends.files import FileContent
from urlstore.backends.sqlite import SqliteMetadata
from urlstore.backends.sqlite_content import SqliteContent
from urlstore.service import UrlStoreService

Backends = tuple[MetadataBackend, ContentBackend]


@contextmanager
def places(pair: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The place of a pair of backends: the URLs of metadata and content. Skips if an engine is absent."""
    if pair == "cassandra":
        with (
            engines.keyspace(engines.shared_engine("cassandra")) as metadata,
            engines.bucket(engines.shared_engine("s3")) as content,
        ):
            yield metadata, content
    else:
        yield {
            "memory": ("sqlite:///:memory:", "sqlite:///:memory:"),
            "sqlite": (f"sqlite:///{folder / 'store.db'}", f"sqlite:///{folder / 'content.db'}"),
            "files": (f"sqlite:///{folder / 'store.db'}", f"file:///{folder}"),
        }[pair]


async def open_backends(metadata: str, content: str) -> Backends:
    if metadata.startswith("sqlite:"):
        kind = SqliteContent if content.startswith("sqlite:") else FileContent
        return await SqliteMetadata.open(metadata), await kind.open(content)
    from urlstore.backends.cassandra import CassandraMetadata
    from urlstore.backends.s3 import S3Content

    return await CassandraMetadata.open(metadata), await S3Content.open(content)


def service_over(backends: Backends, now_ms: int = T0 + 1_000_000) -> UrlStoreService:
    return UrlStoreService(*backends, clock_ms=lambda: now_ms)


@asynccontextmanager
async def through_thrift(service: UrlStoreService) -> AsyncIterator[UrlStore]:
    server = RpcServer(UrlStore, service)
    channel = Channel(f"127.0.0.1:{await server.start('127.0.0.1', 0)}")
    try:
        yield channel.client(UrlStore)
    finally:
        await channel.close()
        await server.close()
