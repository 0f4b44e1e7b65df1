"""Connection URL -> opened backend, one table a seam. A distributed backend's module is imported when it is named."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from thrift_idl.errors import BadConfiguration

#: scheme -> "module:class"; each class has `async def open(url, **options)`.
METADATA = {
    "sqlite": "urlstore.backends.sqlite:SqliteMetadata",
    "cassandra": "urlstore.backends.cassandra:CassandraMetadata",
}
CONTENT = {"file": "urlstore.backends.files:FileContent", "s3": "urlstore.backends.s3:S3Content"}
ROBOTS_CACHE = {
    "sqlite": "fetcher.backends.sqlite:SqliteRobotsCache",
    "redis": "fetcher.backends.redis:RedisRobotsCache",
}


async def open_backend(setting: str, table: Mapping[str, str], url: str, **options: Any) -> Any:
    """The backend that `url` names, from `table`. Raises `BadConfiguration` naming `setting`; what opening raises."""
    scheme = url.partition("://")[0]
    if scheme not in table or "://" not in url:
        known = ", ".join(f"{name}://" for name in table)
        raise BadConfiguration(f"{setting}: {url.partition('@')[2] or url!r} names no backend; known: {known}")
    module, _, name = table[scheme].partition(":")
    try:
        backend = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise BadConfiguration(
            f"{setting}: {scheme}:// needs the package {error.name}: pip install 'aragog[distributed]'"
        ) from error
    return await backend.open(url, **options)
