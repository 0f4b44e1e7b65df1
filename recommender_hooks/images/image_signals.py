"""Bytes of an image in, its signals out. Pure, and bounded by `MAX_PIXELS`. Hostile bytes: run it in a child process.

`run` is the whole work as bytes -> bytes; `read_answer` reads its result. It looks at the first frame,
as stored (EXIF orientation isn't applied), on white where it is transparent.

`dominant`: each pixel falls into one of 512 boxes by the upper three bits of its red, green and blue. The box with the
most pixels wins (of two equal ones the darker), and the mean of its pixels is the colour.

`phash`: 64 bits that stay nearly the same when a picture is resized or compressed again; whole numbers only. Of 32 x 32
grey values, the two-dimensional DCT-II; of its coefficients the 8 x 8 lowest frequencies, row by row (vertical
frequency first). A bit is 1 where its coefficient exceeds the median of the 64. The first coefficient, the mean
brightness, leads as the most significant bit. Cosines are rounded to 14 bits, and everything after is exact: the same
grey values give the same hash on every machine. Two pictures are similar if few bits differ (Hamming distance of at
most about 8). A picture of one colour has only the first bit: compare the colours of such pictures, not their hashes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from operator import mul
from typing import Literal

import msgspec
import orjson
from PIL import Image, ImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

Counted = tuple[int, tuple[int, int, int]]


def dominant(colours: Iterable[Counted]) -> str:
    """`#rrggbb` of (pixels, colour) pairs, of which there is at least one."""
    boxes: dict[int, list[int]] = {}
    for pixels, (red, green, blue) in colours:
        box = boxes.setdefault((red >> 5) << 6 | (green >> 5) << 3 | blue >> 5, [0, 0, 0, 0])
        for place, value in enumerate((1, red, green, blue)):
            box[place] += pixels * value
    number = min(boxes, key=lambda box: (-boxes[box][0], box))
    pixels, *sums = boxes[number]
    return "#" + "".join(f"{(2 * total + pixels) // (2 * pixels):02x}" for total in sums)


SIDE = 32
_LOW = 8
_SCALE = 1 << 14

_COSINES = tuple(
    tuple(round(_SCALE * math.cos(math.pi * frequency * (2 * place + 1) / (2 * SIDE))) for place in range(SIDE))
    for frequency in range(_LOW)
)


def phash(grey: bytes) -> int:
    """The hash of `SIDE` x `SIDE` grey values, row by row: 0 to 2^64 - 1."""
    low = _low_frequencies(grey)
    ordered = sorted(low)
    twice_median = ordered[31] + ordered[32]
    bits = 0
    for coefficient in low:
        bits = bits << 1 | (2 * coefficient > twice_median)
    return bits


def _low_frequencies(grey: bytes) -> list[int]:
    rows = [grey[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE)]
    across = [[sum(map(mul, row, cosine)) for row in rows] for cosine in _COSINES]  # [horizontal frequency][row]
    return [sum(map(mul, column, cosine)) for cosine in _COSINES for column in across]


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


FUNCTION = "recommender_hooks.images.image_signals:run"
IMPORTS = ("recommender_hooks.images.image_signals",)
"""The imports that a pool for images makes its children load at their start."""

SIGNALS_VERSION = 1
"""Raised when the same bytes would give other signals: images are then fetched and examined again."""

MAX_PIXELS = 50_000_000
"""Width x height, by the header. A WebP of that size takes 750 MiB to decode, everything else less."""

_WORKING = 256  # pixels a side, at least: JPEGs are decoded at 1/2, 1/4 or 1/8 if that leaves so many
_COLOURS = 64  # pixels a side

_READERS: dict[Format, type[ImageFile.ImageFile]] = {
    # By class, not by Image.open: that would try every format of Pillow on bytes that none of these reads.
    "gif": GifImageFile,
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
}


class ImageError(Exception):
    """There are no signals of these bytes, and there never will be: `code` gives the reason.

    `not_an_image` (none of the four formats), `too_large` (more than `MAX_PIXELS`), `truncated`, `damaged`; of the
    child process that decoded it: `died`, `timed_out`, `out_of_memory`, `failed`.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ImageSignals:
    """The signals in the bytes of an image."""

    sha256: str
    """SHA-256 of the bytes, hex."""
    bytes: int
    format: Format
    width: int
    height: int
    phash: str
    """16 hex digits; see phash.py."""
    colour: str
    """`#rrggbb`; see colour.py."""
    animated: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    signals: ImageSignals | None = None
    error: str = ""
    detail: str = ""


def signals_of(content: bytes) -> ImageSignals:
    """The signals of one image. Raises `ImageError`."""
    kind = format_of(content)
    if kind is None:
        raise ImageError("not_an_image", "not a GIF, JPEG, PNG or WebP by its first bytes")
    if kind == "webp" and (size := webp_size(content)):
        _check_size(*size)
    try:
        image = _READERS[kind](BytesIO(content))
        width, height = image.size
        _check_size(width, height)
        animated = bool(getattr(image, "is_animated", False))
        image.draft(None, (_WORKING, _WORKING))
        small = _on_white(image)
    except (ImageError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own limit is higher
        raise ImageError("too_large", str(error)) from error
    except Exception as error:  # hostile bytes can make the readers raise almost any error
        raise _unreadable(content, error) from error
    grey = small.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return ImageSignals(
        sha256=sha256(content).hexdigest(),
        bytes=len(content),
        format=kind,
        width=width,
        height=height,
        phash=f"{phash(grey.tobytes()):016x}",
        colour=_dominant(small),
        animated=animated,
    )


def run(content: bytes) -> bytes:
    """`signals_of` for a child process: its signals or its error, as JSON."""
    try:
        return orjson.dumps(_Answer(signals_of(content)))
    except ImageError as error:
        return orjson.dumps(_Answer(error=error.code, detail=error.detail))


def read_answer(answer: bytes) -> ImageSignals:
    """The result of `run`. Raises `ImageError`: the one in it, or `failed` if it can't be read."""
    try:
        read = msgspec.json.decode(answer, type=_Answer)
    except msgspec.DecodeError as error:
        raise ImageError("failed", f"no answer of run: {error}") from error
    if read.signals is None:
        raise ImageError(read.error or "failed", read.detail)
    return read.signals


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError("too_large", f"{width} x {height} pixels; the limit is {MAX_PIXELS} in all")


def _on_white(image: ImageFile.ImageFile) -> Image.Image:
    """The first frame, decoded and reduced, as RGB."""
    image.load()
    whole: Image.Image = image
    if whole.mode.startswith("I"):  # 16 bits of grey: a plain conversion would keep only the darkest
        whole = whole.point(lambda value: value * (1 / 256)).convert("L")
    elif whole.has_transparency_data:
        whole = whole if whole.mode == "RGBA" else whole.convert("RGBA")
    elif whole.mode not in ("RGB", "L"):
        whole = whole.convert("RGB")
    factors = max(1, whole.width // _WORKING), max(1, whole.height // _WORKING)
    small = whole.reduce(factors)
    if small.mode != "RGBA":
        return small.convert("RGB")
    white = Image.new("RGBA", small.size, "white")
    return Image.alpha_composite(white, small).convert("RGB")


def _dominant(image: Image.Image) -> str:
    few = image.resize((_COLOURS, _COLOURS), Image.Resampling.BOX)
    return dominant(few.getcolors(_COLOURS * _COLOURS))  # type: ignore[arg-type]  # an RGB image's: triples, never None


def _unreadable(content: bytes, error: Exception) -> ImageError:
    """The error: Pillow distinguishes a file that was cut off from a damaged one only in words, and not in a header."""
    is_cut = "truncated" in str(error).lower() or is_cut_short(content)
    return ImageError("truncated" if is_cut else "damaged", f"{type(error).__name__}: {error}"[:200])
