"""Content codings that lie, and bombs: small on the wire, large in memory (RFC 9110 8.4)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import cache

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

from testweb.faults.kinds import PAGE, Fault, FaultyRequest, page

BOMB_BYTES = 16 * 1024 * 1024
_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 6, mtime=0),
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=4, lgwin=22),
    "zstd": lambda data: zstandard.ZstdCompressor(level=3).compress(data),
}
_BOMBS = (
    *((coding,) for coding in _ENCODERS),
    ("gzip", "gzip"),
    ("zstd", "br", "gzip"),
    ("gzip", "deflate", "br", "zstd", "gzip"),
)


def encoded(data: bytes, *codings: str) -> bytes:
    """`data` in these content codings, the first one innermost."""
    for coding in codings:
        data = _ENCODERS[coding](data)
    return data


@cache
def _bomb(codings: tuple[str, ...]) -> bytes:
    return page(f"Content-Encoding: {', '.join(codings)}", content=encoded(bytes(BOMB_BYTES), *codings))


def _bomb_fault(codings: tuple[str, ...]) -> Fault:
    async def serve(visit: FaultyRequest) -> None:
        await visit.send(_bomb(codings))

    return Fault(f"bomb-{'-'.join(codings)}", f"{BOMB_BYTES:,} zeros, packed by {', then '.join(codings)}", serve)


def pack_bombs() -> None:
    """Make the bombs, so that each is ready when it is requested. Blocks for a second."""
    for codings in _BOMBS:
        _bomb(codings)


def _coded(name: str, tells: str, coding: str, content: bytes) -> Fault:
    return Fault(f"coding-{name}", tells, page(f"Content-Encoding: {coding}", content=content))


CODING_FAULTS = (
    *(_bomb_fault(codings) for codings in _BOMBS),
    *(
        _coded(f"{coding}-wrong", f"says {coding}, is plain text", coding, b"plain text, " * 20)
        for coding in ("gzip", "br", "zstd")
    ),
    _coded("gzip-cut", "gzip that ends too soon", "gzip", encoded(PAGE * 100, "gzip")[:-20]),
    _coded("gzip-damaged", "gzip with a damaged check sum", "gzip", encoded(PAGE, "gzip")[:-8] + bytes(8)),
    _coded("gzip-padded", "gzip and then zeros, which browsers take", "gzip", encoded(PAGE, "gzip") + bytes(100)),
    _coded("stacked-six", "six codings", ", ".join(["gzip"] * 6), encoded(PAGE, *["gzip"] * 6)),
    _coded("snail", "an unknown content coding", "snail", PAGE),
)
