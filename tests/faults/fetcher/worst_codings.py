"""Coded bytes that cost their decoder the most: much work for little input, or for nothing that comes of it."""

from __future__ import annotations

import gzip
import struct

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

from fetcher.settings import KIB, MIB


class Bits:
    """Bits from the lowest up, as deflate and brotli are written."""

    def __init__(self) -> None:
        self._value = 0
        self._size = 0

    def put(self, *fields: tuple[int, int]) -> Bits:
        """Each field: value, number of bits."""
        for value, width in fields:
            self._value |= value << self._size
            self._size += width
        return self

    def octets(self) -> bytes:
        return self._value.to_bytes((self._size + 7) // 8, "little")


def stored_nothing(size: int) -> bytes:
    """A gzip stream of stored blocks without content."""
    return gzip.compress(b"")[:10] + b"\0\0\0\xff\xff" * (size // 5)


def tables_for_nothing(size: int) -> bytes:
    """Raw deflate: blocks that define their Huffman tables and end."""
    code_lengths = [1 if symbol in (18, 1) else 0 for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2)]
    block: list[tuple[int, int]] = [(0, 1), (2, 2), (0, 5), (0, 5), (14, 4)]
    block += [(length, 3) for length in [*code_lengths, 0, 1]]
    block += [(1, 1), (138 - 11, 7), (1, 1), (118 - 11, 7), (0, 1), (0, 1), (0, 1)]
    unit = Bits()
    for _ in range(8):
        unit.put(*block)
    return unit.octets() * (size // len(unit.octets()))


def _brotli_begun(window_bits: int = 24) -> Bits:
    """A window of 2 ** (18 to 24) bytes, and 16 bytes that are stored."""
    bits = Bits().put((1 | window_bits - 17 << 1, 4), (0, 1), (0, 2), (15, 16), (1, 1))
    bits.put((0, -bits._size % 8))
    return bits.put(*((byte, 8) for byte in b"abcdefghijklmnop"))


def _one_symbol(symbol: int, width: int) -> tuple[tuple[int, int], ...]:
    """A prefix code of one symbol: reading it takes no bit at all."""
    return (1, 2), (0, 2), (symbol, width)


def brotli_commands(blocks: int, window_bits: int) -> bytes:
    """Blocks of 16 MiB in commands of two bytes, none of which takes a bit of input."""
    bits = _brotli_begun(window_bits)
    for _ in range(blocks):
        bits.put((0, 1), (2, 2), ((1 << 24) - 1, 24), (0, 1), (0, 1), (0, 1), (0, 1), (0, 6), (0, 2), (0, 1), (0, 1))
        bits.put(*_one_symbol(0, 8), *_one_symbol(128, 10), *_one_symbol(3, 6))
    return bits.octets()


def brotli_context_maps(size: int) -> bytes:
    """Blocks of one byte with 256 block types, 256 trees, and a context map of 16,384 entries to be moved to front."""
    block: list[tuple[int, int]] = [(0, 1), (0, 2), (0, 16), (0, 1), (1, 1), (7, 3), (127, 7)]
    block += [*_one_symbol(0, 9), *_one_symbol(25, 5), (0, 24), (0, 1), (0, 1), (0, 6), (0, 512)]
    block += [(1, 1), (7, 3), (127, 7), (0, 1), *_one_symbol(255, 8), (1, 1), (0, 1)]
    block += [*_one_symbol(0, 8) * 256, *_one_symbol(8, 10), *_one_symbol(0, 6)]
    unit = Bits().put(*block * 8).octets()
    return _brotli_begun().octets() + unit * (size // len(unit))


def brotli_metadata(size: int) -> bytes:
    """Metadata blocks of no bytes."""
    first = Bits().put((0b1111, 4), (0, 1), (3, 2), (0, 1), (0, 2)).octets()
    return first + Bits().put((0, 1), (3, 2), (0, 1), (0, 2)).octets() * size


ZSTD_FRAME = b"\x28\xb5\x2f\xfd" + bytes([0, 13 << 3])  # a window of 8 MiB
ZSTD_SMALL_FRAME = b"\x28\xb5\x2f\xfd" + bytes([0, 0])
ZSTD_RUN = struct.pack("<I", 128 * KIB << 3 | 1 << 1)[:3] + b"x"  # 128 KiB in four bytes
ZSTD_LAST = b"\1\0\0"


def compressed(data: bytes, coding: str) -> bytes:
    if coding == "br":
        return brotli.compress(data, quality=5, lgwin=22)
    return zstandard.compress(data) if coding == "zstd" else gzip.compress(data)


NOTHING = stored_nothing(4 * MIB)
WORST: dict[str, tuple[str, bytes]] = {
    "gzip of nothing, in br": ("gzip, br", compressed(NOTHING, "br")),
    "gzip of nothing, in zstd": ("gzip, zstd", compressed(NOTHING, "zstd")),
    "gzip of nothing, in gzip": ("gzip, gzip", compressed(NOTHING, "gzip")),
    "gzip of nothing, in br, in br": ("gzip, br, br", compressed(compressed(NOTHING, "br"), "br")),
    "gzip of nothing": ("gzip", NOTHING),
    "gzip members of nothing": ("gzip", gzip.compress(b"", mtime=0) * (4 * MIB // 20)),
    "gzip members of a byte": ("gzip", gzip.compress(b"x", mtime=0) * (4 * MIB // 21)),
    "gzip members of nothing, in zstd": ("gzip, zstd", compressed(gzip.compress(b"", mtime=0) * (MIB // 5), "zstd")),
    "gzip's file name without an end": ("gzip", b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (4 * MIB)),
    "gzip, then padding": ("gzip", gzip.compress(b"page") + bytes(32 * MIB)),
    "deflate of tables": ("deflate", tables_for_nothing(4 * MIB)),
    "deflate of tables, in br": ("deflate, br", compressed(tables_for_nothing(4 * MIB), "br")),
    "deflate of tables, in zstd, in zstd": (
        "deflate, zstd, zstd",
        compressed(compressed(tables_for_nothing(4 * MIB), "zstd"), "zstd"),
    ),
    "deflate of fixed tables": (
        "deflate",
        Bits().put(*[(0, 1), (1, 2), (0, 7)] * 8).octets() * (4 * MIB // 10),
    ),
    "br of commands that take no bit": ("br", brotli_commands(4, 24)),
    "br of commands that take no bit, in less of a window": ("br", brotli_commands(4, 23)),
    "br of context maps": ("br", brotli_context_maps(4 * MIB)),
    "br of metadata": ("br", brotli_metadata(4 * MIB)),
    "br of metadata, in gzip": ("br, gzip", compressed(brotli_metadata(4 * MIB), "gzip")),
    "zstd of empty blocks": ("zstd", ZSTD_FRAME + b"\0\0\0" * MIB),
    "zstd of runs": ("zstd", ZSTD_FRAME + ZSTD_RUN * MIB),
    "zstd of runs, in br": ("zstd, br", compressed(ZSTD_FRAME + ZSTD_RUN * MIB, "br")),
    "zstd of empty frames": ("zstd", (ZSTD_FRAME + ZSTD_LAST + ZSTD_SMALL_FRAME + ZSTD_LAST) * (4 * MIB // 18)),
    "zstd of short frames": ("zstd", zstandard.compress(b"123456789") * (4 * MIB // 18)),
    "zstd of frames whose windows change": (
        "zstd",
        (ZSTD_FRAME + ZSTD_RUN + ZSTD_LAST + ZSTD_SMALL_FRAME + ZSTD_LAST) * KIB,
    ),
    "zstd of skippable frames": ("zstd", b"\x50\x2a\x4d\x18\0\0\0\0" * (MIB // 2)),
    "zstd of empty frames, in gzip, in br": (
        "zstd, gzip, br",
        compressed(compressed((ZSTD_FRAME + ZSTD_LAST) * MIB, "gzip"), "br"),
    ),
}
