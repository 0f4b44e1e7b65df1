"""Image formats by their first bytes, and the canvas of a WebP from its header. Pure."""

from __future__ import annotations

from typing import Literal

Format = Literal["gif", "jpeg", "png", "webp"]

_WEBP_HEADER = 30


def format_of(content: bytes) -> Format | None:
    """The format of the content's signature; None = none that we read."""
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return None


def webp_size(content: bytes) -> tuple[int, int] | None:
    """Width and height that a WebP's first chunk declares (RFC 9649 2.5 to 2.7); None = no such chunk.

    libwebp allocates the whole canvas as it opens a file, so the size must be known before.
    """
    if len(content) < _WEBP_HEADER:
        return None
    chunk = content[12:16]
    if chunk == b"VP8X":
        return 1 + _little(content[24:27]), 1 + _little(content[27:30])
    if chunk == b"VP8L":
        packed = _little(content[21:25])
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        return _little(content[26:28]) & 0x3FFF, _little(content[28:30]) & 0x3FFF
    return None


def is_cut_short(content: bytes) -> bool:
    """True if a WebP has fewer bytes than its header says (RFC 9649 2.4); other formats don't say."""
    return format_of(content) == "webp" and len(content) < 8 + _little(content[4:8])


def _little(octets: bytes) -> int:
    return int.from_bytes(octets, "little")
