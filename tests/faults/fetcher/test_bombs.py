"""No reply makes us hold more than the caller's cap and 8 MiB: measured on a process of its own."""

from __future__ import annotations

import asyncio
import gzip
import sys
import zlib
from functools import reduce

import brotli  # type: ignore[import-untyped]  # ships no types
import pytest
import zstandard

from fetcher.settings import MIB
from tests.support.loopback_fetcher import asked, fetching
from tests.support.raw_origin import origin, reply
from thrift_idl.errors import BadReply

CAP = 10 * MIB
ZEROS = bytes(200 * MIB)


def wide_brotli(data: bytes) -> bytes:
    return brotli.compress(data, quality=5, lgwin=24)


def usual_brotli(data: bytes) -> bytes:
    return brotli.compress(data, quality=4, lgwin=22)


def long_zstd(data: bytes) -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=23, compression_level=3)
    return zstandard.ZstdCompressor(compression_params=parameters).compress(data)


def noisy(data: bytes) -> bytes:
    """Something that every stage must carry at length: 9 MiB that don't shrink much, then zeros."""
    return zlib.compress(data[: 9 * MIB], 0) if data else data


BOMBS = {
    "gzip": (gzip.compress, "gzip"),
    "deflate": (zlib.compress, "deflate"),
    "br": (usual_brotli, "br"),
    "br with the widest window": (wide_brotli, "br"),
    "zstd with the widest window": (long_zstd, "zstd"),
    "gzip in gzip": (lambda data: gzip.compress(gzip.compress(data)), "gzip, gzip"),
    "five stages that carry much": (
        lambda data: reduce(
            lambda packed, pack: pack(packed), [noisy, long_zstd, usual_brotli, long_zstd, usual_brotli], data
        ),
        "deflate, zstd, br, zstd, br",
    ),
}


async def probe(port: int, cap: int) -> tuple[int, int, str]:
    command = (sys.executable, "-m", "tests.faults.fetcher.memory_probe", str(port), str(cap))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert process.returncode == 0
    growth, size, flags = printed.decode().split(" ")
    return int(growth), int(size), flags.strip()


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_costs_no_more_than_the_cap_and_eight_mebibytes(name) -> None:
    pack, coding = BOMBS[name]
    replies = {"/bomb": reply(200, pack(ZEROS), f"Content-Encoding: {coding}"), "/small": reply(200, b"<p>")}  # type: ignore[operator]  # never None here
    async with origin(replies) as web:
        growth, size, flags = await probe(web.port, CAP)
    assert growth < CAP + 8 * MIB, f"{growth / MIB:.1f} MiB"
    assert size <= CAP and (flags == "truncated" or size == 9 * MIB)
    if "widest" not in name and "five" not in name:
        assert size == CAP
    print(f"{name}: {growth / MIB:.1f} MiB for {size / MIB:.1f}")


async def test_a_small_cap_holds_too_where_the_window_alone_would_exceed_it() -> None:
    replies = {"/bomb": reply(200, wide_brotli(ZEROS), "Content-Encoding: br"), "/small": reply(200, b"<p>")}
    async with origin(replies) as web, fetching(web.port) as (fetcher, _):
        with pytest.raises(BadReply, match="window"):
            await fetcher.fetch(asked(web.url("/bomb"), max_bytes=MIB))


async def test_an_endless_body_ends_at_the_cap() -> None:
    async def endless(reader, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while not writer.is_closing():
            writer.write(bytes(65536))
            await writer.drain()

    async with origin({"/bomb": endless, "/small": reply(200, b"<p>")}) as web:
        growth, size, flags = await probe(web.port, CAP)
    assert (size, flags) == (CAP, "truncated")
    assert growth < CAP + 8 * MIB
