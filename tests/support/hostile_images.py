"""Hostile images: small to send, or at most 10 MB, and as much work and memory as their author could think of."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image as Picture

MIB = 1024 * 1024
SIDE = 7_000  # squared: just below the limit of pixels


@dataclass(frozen=True, slots=True)
class HostileImage:
    """The served bytes, and their allowed results."""

    build: Callable[[], bytes]
    codes: tuple[str, ...] = ("",)
    """Errors of which one must come of it; "" = signals."""
    content_type: str = "image/png"


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))


def png(side: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that says it is so large, and holds these chunks."""
    header = struct.pack("!IIBBBBB", side, side, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def zeros(length: int) -> bytes:
    """So many zeros, compressed."""
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(MIB)) for _ in range(length // MIB + 1)), packer.flush()])


def idat(bits: int, side: int = SIDE) -> bytes:
    """Rows of zeros, `bits` a pixel."""
    return chunk(b"IDAT", zeros(side * (side * bits // 8 + 1)))


def small() -> bytes:
    """A PNG of 8 x 8 without an end."""
    return png(8, chunk(b"IDAT", zlib.compress(bytes(8 * 25))))


def with_chunks(*chunks: bytes) -> Callable[[], bytes]:
    """A small PNG with these before its pixels."""
    return lambda: png(8, *chunks, chunk(b"IDAT", zlib.compress(bytes(8 * 25))))


def encoded(kind: str, side: int, mode: str = "RGB", **options: object) -> bytes:
    """A black picture."""
    written = BytesIO()
    Picture.new(mode, (side, side)).save(written, kind, **options)
    return written.getvalue()


def gif_frames(count: int) -> bytes:
    """A GIF of so many frames."""
    frame = b"!\xf9\x04\x00\x01\x00\x00\x00" + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\x00"
    palette = bytes(6)
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + palette + frame * count + b";"


def gif_canvas(side: int) -> bytes:
    """A GIF of one pixel on a canvas so large."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6) + frame + b";"


def jpeg_of_scans(side: int, most: int) -> bytes:
    """A progressive JPEG whose last scan is sent again and again."""
    whole = encoded("JPEG", side, progressive=True, quality=10)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + last * ((most - len(whole)) // len(last)) + whole[-2:]


def jpeg_segments(marker: int, size: int, count: int) -> bytes:
    """A JPEG with so many segments of application data before its picture."""
    whole = encoded("JPEG", 8)
    segment = b"\xff" + bytes((marker,)) + struct.pack("!H", size + 2) + bytes(size)
    return whole[:2] + segment * count + whole[2:]


REFUSED, CUT = ("too_large",), ("truncated", "damaged")
BOMBS = {
    "PNG of 60,000 x 60,000": HostileImage(lambda: png(60_000, idat(24, 10)), REFUSED),
    "PNG of 4 billion pixels a side": HostileImage(lambda: png(0xFFFFFFFF, idat(24, 10)), ("too_large", "damaged")),
    "PNG of 7,000 x 7,000 zeros": HostileImage(lambda: png(SIDE, idat(24))),
    "PNG of transparent zeros": HostileImage(lambda: png(SIDE, idat(32), colour=6)),
    "PNG of 16 bits of colour": HostileImage(lambda: png(SIDE, idat(64), depth=16, colour=6)),
    "PNG of 16 bits of grey": HostileImage(lambda: png(SIDE, idat(16), depth=16, colour=0)),
    "PNG of grey and transparency": HostileImage(lambda: png(SIDE, idat(16), colour=4)),
    "PNG of one bit": HostileImage(lambda: png(SIDE, idat(1), depth=1, colour=0)),
    "PNG with more zeros than pixels": HostileImage(lambda: png(8, chunk(b"IDAT", zeros(200 * MIB))), ("", *CUT)),
    "PNG with a bomb for a profile": HostileImage(
        with_chunks(chunk(b"iCCP", b"x\0\0" + zeros(1_000 * MIB))), ("", *CUT)
    ),
    "PNG with a bomb for a text": HostileImage(with_chunks(chunk(b"zTXt", b"x\0\0" + zeros(1_000 * MIB))), ("", *CUT)),
    "PNG with a thousand texts": HostileImage(
        with_chunks(*[chunk(b"zTXt", b"x%d\0\0" % n + zeros(MIB - 1)) for n in range(200)]), ("", *CUT)
    ),
    "PNG with 600,000 chunks": HostileImage(with_chunks(chunk(b"xxXx", b"") * 600_000)),
    "PNG with 500,000 texts": HostileImage(with_chunks(chunk(b"tEXt", b"k\0v") * 500_000)),
    "PNG without an end": HostileImage(lambda: png(SIDE, idat(24))[:20_000], CUT),
    "GIF of 200,000 frames": HostileImage(lambda: gif_frames(200_000), content_type="image/gif"),
    "GIF of a large canvas": HostileImage(lambda: gif_canvas(SIDE), content_type="image/gif"),
    "GIF of the largest canvas": HostileImage(lambda: gif_canvas(65_535), REFUSED, "image/gif"),
    "GIF of comments": HostileImage(
        lambda: b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"!\xfe\x01x\x00" * 2_000_000,
        ("", *CUT),
        "image/gif",
    ),
    "JPEG of 7,000 x 7,000": HostileImage(lambda: encoded("JPEG", SIDE, quality=5), content_type="image/jpeg"),
    "JPEG of four inks": HostileImage(lambda: encoded("JPEG", SIDE, "CMYK", quality=5), content_type="image/jpeg"),
    "JPEG of many scans": HostileImage(
        lambda: jpeg_of_scans(6_000, 8 * MIB), ("timed_out", "damaged", ""), "image/jpeg"
    ),
    "JPEG of 150 EXIF segments": HostileImage(lambda: jpeg_segments(0xE1, 65_000, 150), content_type="image/jpeg"),
    "JPEG of 500,000 segments": HostileImage(lambda: jpeg_segments(0xE2, 8, 500_000), content_type="image/jpeg"),
    "JPEG of comments": HostileImage(lambda: jpeg_segments(0xFE, 1, 1_000_000), content_type="image/jpeg"),
    "WebP of 7,000 x 7,000": HostileImage(
        lambda: encoded("WEBP", SIDE, quality=1, method=0), content_type="image/webp"
    ),
    "WebP without loss": HostileImage(
        lambda: encoded("WEBP", SIDE, "RGBA", lossless=True, method=0), content_type="image/webp"
    ),
    "WebP of the largest canvas": HostileImage(
        lambda: b"RIFF\xff\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00" + bytes(4) + b"\xff\xff\xff" * 2, REFUSED, "image/webp"
    ),
    "AVIF": HostileImage(lambda: encoded("AVIF", 64), ("not_an_image",), "image/avif"),
    "SVG of entities": HostileImage(
        lambda: b'<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><svg>&b;</svg>',
        ("not_an_image",),
        "image/svg+xml",
    ),
    "a page that says it is a PNG": HostileImage(lambda: b"<html><script>" * 9_000, ("not_an_image",)),
    "nothing": HostileImage(lambda: b"", ("not_an_image",)),
    "a ZIP that begins like a GIF": HostileImage(
        lambda: b"GIF89aPK\x03\x04" + b"\xff" * MIB, ("", "too_large", *CUT), "image/gif"
    ),
}
