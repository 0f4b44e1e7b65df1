"""Content as objects under hashed keys in an S3 bucket: `<URL key>/<content hash>.zst`, each a plain zstd frame."""

from __future__ import annotations

from typing import Self

from drivers.s3 import Bucket, open_bucket
from urlstore.bounds import MAX_CONTENT_BYTES

_MAX_BLOB_BYTES = MAX_CONTENT_BYTES + MAX_CONTENT_BYTES // 128 + 1_024  # zstd may add this to incompressible data


class S3Content:
    """`ContentBackend` over one bucket. A put is atomic and durable once S3 has answered."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @classmethod
    async def open(cls, url: str, *, request_timeout_ms: int = 5_000) -> Self:
        """The bucket that `url` (`s3://KEY:SECRET@host:port/bucket`) names.

        Raises `BadConfiguration`, `BackendDown`.
        """
        return cls(await open_bucket(url, request_timeout_ms=request_timeout_ms))

    async def put(self, content_key: str, blob: bytes) -> None:
        """One object; the same bytes again if it exists."""
        await self._bucket.put(f"{content_key}.zst", blob, "application/zstd")

    async def get(self, content_key: str) -> bytes | None:
        """The object's bytes."""
        return await self._bucket.get(f"{content_key}.zst", _MAX_BLOB_BYTES)

    async def close(self) -> None:
        """Release threads and connections."""
        await self._bucket.close()
