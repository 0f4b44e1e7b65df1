"""Bytes of an image in, its signals out. Pure, and bounded by `MAX_PIXELS`. Hostile bytes: run it in a child process.

`run` is the whole work as bytes -> bytes; `read_answer` reads its result. It looks at the first frame,
as stored (EXIF orientation isn't applied), on white where it is transparent.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

import msgspec
import orjson
from PIL import Image, ImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from recommender_hooks.images.colour import dominant
from recommender_hooks.images.formats import Format, format_of, is_cut_short, webp_size
from recommender_hooks.images.phash import SIDE, phash

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
