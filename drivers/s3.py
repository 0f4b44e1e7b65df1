"""S3 for asyncio: one bucket, boto3 in a bounded pool of threads.

`s3://KEY:SECRET@host:port/bucket` is a store of your own, plain HTTP and path addressing; its bucket is created if it
is missing. `s3://bucket?region=eu-west-1` is Amazon's, with the credentials that boto3 finds (environment, profile,
role).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from drivers.connection_url import parts_of
from runtime.host_port import split
from thrift_idl.errors import AragogError, BackendDown, BadConfiguration, DiskFull, StoreUnreadable

T = TypeVar("T")

_THREADS = 16  # requests at once; more wait their turn
_ATTEMPTS = 2
_FULL = ("QuotaExceeded", "InsufficientCapacity", "XMinioStorageFull", "507")
_DENIED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "401")
_NO_BUCKET = ("NoSuchBucket",)
_NO_KEY = ("NoSuchKey", "404")


@dataclass(frozen=True, slots=True)
class S3Address:
    """The parts of an `s3://` URL."""

    bucket: str
    endpoint: str = ""
    """Empty = Amazon's."""
    region: str = ""
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"s3://{self.endpoint.removeprefix('http://')}/{self.bucket}" if self.endpoint else f"s3://{self.bucket}"


def parse_address(url: str) -> S3Address:
    """The parts of the URL. Raises `BadConfiguration`, without the secret in its message."""
    parts = parts_of(url, "S3")
    region = parse_qs(parts.query).get("region", [""])[0]
    login, _, place = parts.netloc.rpartition("@")
    key, _, secret = login.partition(":")
    path = parts.path.strip("/")
    if parts.scheme != "s3" or not place or "/" in path:
        raise _bad()
    if not login and not path:
        return S3Address(place, region=region)
    if not (key and secret and path and split(place)):
        raise _bad()
    return S3Address(path, f"http://{place}", region or "us-east-1", unquote(key), unquote(secret))


def _bad() -> BadConfiguration:
    return BadConfiguration("no S3 URL: write s3://KEY:SECRET@host:port/bucket, or s3://bucket?region=.. for Amazon's")


class Bucket:
    """One bucket. Made by `open_bucket`; used from one event loop.

    Every method raises `BackendDown` (or `DiskFull`, `StoreUnreadable`) if the store fails or is too slow.
    """

    def __init__(self, address: S3Address, client: Any) -> None:
        self.address = address
        self._client = client
        self._closed = False
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")

    async def put(self, key: str, body: bytes, content_type: str) -> None:
        """Store an object, whole or not at all."""
        place = {"Bucket": self.address.bucket, "Key": key}
        await self._run(lambda: self._client.put_object(Body=body, ContentType=content_type, **place))

    async def get(self, key: str, max_bytes: int) -> bytes | None:
        """The object, or None. Raises `StoreUnreadable` beyond `max_bytes`."""
        return await self._run(lambda: self._get(key, max_bytes))

    async def close(self) -> None:
        """Let running requests end; their time-outs bound that."""
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        self._client.close()

    async def make(self) -> None:
        """Make a missing bucket of a store of your own. Amazon's is never made: its owner decides that."""
        await self._run(self._make)

    def _get(self, key: str, max_bytes: int) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self.address.bucket, Key=key)
        except ClientError as error:
            if _code(error) in _NO_KEY:
                return None
            raise
        with answer["Body"] as body:
            if answer["ContentLength"] > max_bytes:
                raise StoreUnreadable(f"{key} in {self.address} has more than {max_bytes} bytes: it isn't ours")
            blob: bytes = body.read()
            return blob

    def _make(self) -> None:
        try:
            self._client.head_bucket(Bucket=self.address.bucket)
        except ClientError as error:
            if _code(error) != "404" or not self.address.endpoint:
                raise
            self._client.create_bucket(Bucket=self.address.bucket)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise BackendDown(f"the connection to {self.address} is closed")
        with _translated(self.address):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)


async def open_bucket(url: str, *, request_timeout_ms: int = 5_000) -> Bucket:
    """The bucket that `url` names, requested once so that a wrong address shows now.

    One request takes at most about `request_timeout_ms` for connecting and for every silence, twice that with its
    retry. Raises `BadConfiguration`, `BackendDown`.
    """
    address = parse_address(url)
    bucket = Bucket(address, await asyncio.to_thread(_client, address, request_timeout_ms))
    try:
        await bucket.make()
    except BaseException:
        await bucket.close()
        raise
    return bucket


def _client(address: S3Address, request_timeout_ms: int) -> Any:
    config: dict[str, Any] = {
        "connect_timeout": request_timeout_ms / 1000,
        "read_timeout": request_timeout_ms / 1000,
        "retries": {"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        "max_pool_connections": _THREADS,
    }
    if not address.endpoint:
        return boto3.client("s3", region_name=address.region or None, config=Config(**config))
    # Stores other than Amazon's refuse the checksum trailers that newer clients send by default.
    config |= {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
    return boto3.client(
        "s3",
        endpoint_url=address.endpoint,
        region_name=address.region,
        aws_access_key_id=address.key,
        aws_secret_access_key=address.secret,
        config=Config(s3={"addressing_style": "path"}, **config),
    )


@contextmanager
def _translated(address: S3Address) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _refused(error, address) from error
    except (BotoCoreError, HTTPClientError) as error:
        # The text of these names address and time-out, never key or secret.
        raise BackendDown(f"S3 at {address} can't be reached ({type(error).__name__}): start it") from error


def _refused(error: ClientError, address: S3Address) -> AragogError:
    code = _code(error)
    if code in _FULL:
        return DiskFull(f"no space left in {address}: make room, then repeat; what was stored stays")
    if code in _DENIED:
        return BackendDown(f"S3 at {address} denies access ({code}): check key, secret and bucket policy")
    if code in _NO_BUCKET or (code == "404" and not address.endpoint):
        return BackendDown(f"there is no bucket {address.bucket} at {address}: make it, or name another")
    return BackendDown(f"S3 at {address} refused ({code}): try again later")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
