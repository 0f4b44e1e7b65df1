"""Bytes of an image to its signals."""

from __future__ import annotations

import struct
import zlib
from hashlib import sha256
from io import BytesIO

import orjson
import pytest
from PIL import Image as Picture

from recommender_hooks.images.image_signals import MAX_PIXELS, ImageError, ImageSignals, read_answer, run, signals_of
from tests.support.event_samples import encoded, sample

# name: format, width, height, phash, colour. From the first run; a change of these wants a new SIGNALS_VERSION.
STABLE = {
    "bread.webp": ("webp", 320, 240, "b39c44c3d33d23d8", "#efd6aa"),
    "compost.jpg": ("jpeg", 320, 240, "adf196a85aa54c93", "#a18c70"),
    "dunes-large.jpg": ("jpeg", 640, 427, "e9b95086c65337c6", "#f9d597"),
    "dunes.jpg": ("jpeg", 360, 240, "e9b95086c65337c6", "#f9d596"),
    "harbour.jpg": ("jpeg", 360, 200, "d9f626a9641596ca", "#97c7eb"),
    "icon.png": ("png", 128, 128, "b30ecd494cb3b634", "#403ca0"),
    "lagoon.jpg": ("jpeg", 360, 240, "d3e8996ea153ccc2", "#78d2db"),
    "lagoon.webp": ("webp", 400, 260, "d3e8996ea153ccc2", "#78d1dc"),
    "mosaic.png": ("png", 200, 200, "f7b01e86e1c349c9", "#fafafa"),
    "poster.jpg": ("jpeg", 200, 300, "9e13a5c75a2ce21e", "#181c3f"),
    "soup.jpg": ("jpeg", 320, 213, "cbe65099269b95b4", "#faecd8"),
    "tomatoes.jpg": ("jpeg", 320, 240, "b6cfd0b487234ac9", "#c3dea9"),
    "trowel.png": ("png", 240, 240, "afb4d0193d66e28c", "#f3f3f0"),
    "watering-can.png": ("png", 240, 240, "e4e4899ada2565b3", "#e8f3fa"),
}


def distance(one: int, other: int) -> int:
    """The number of the 64 bits that differ."""
    return (one ^ other).bit_count()


def hashed(content: bytes) -> int:
    return int(signals_of(content).phash, 16)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that says it is so large, and holds these chunks."""
    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    whole = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), *chunks):
        whole += struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
    return whole


@pytest.mark.parametrize("name", STABLE)
def test_each_image_of_the_sample_web_has_its_stable_signals(name: str) -> None:
    content, (kind, width, height, phash, colour) = sample(name), STABLE[name]
    digest = sha256(content).hexdigest()
    expected = ImageSignals(digest, len(content), kind, width, height, phash, colour, False)  # type: ignore[arg-type]
    assert signals_of(content) == expected
    assert read_answer(run(content)) == expected


@pytest.mark.parametrize("name", STABLE)
def test_the_hash_survives_resizing_and_compressing_again(name: str) -> None:
    content = sample(name)
    with Picture.open(BytesIO(content)) as picture:
        whole = picture.convert("RGB")
    for scale in (0.4, 0.75, 2.5):
        resized = whole.resize((round(whole.width * scale), round(whole.height * scale)))
        for kind, quality in (("JPEG", 25), ("JPEG", 90), ("WEBP", 40)):
            assert distance(hashed(content), hashed(encoded(resized, kind, quality=quality))) <= 8


def test_the_hash_survives_grey_and_a_large_jpeg_that_is_decoded_at_an_eighth() -> None:
    with Picture.open(BytesIO(sample("harbour.jpg"))) as picture:
        grey, large = picture.convert("L"), picture.resize((3_600, 2_000))
    assert distance(hashed(sample("harbour.jpg")), hashed(encoded(grey, "PNG"))) <= 4
    assert distance(hashed(sample("harbour.jpg")), hashed(encoded(large, "JPEG", quality=80))) <= 4


def test_different_pictures_have_different_hashes() -> None:
    alike = ({"dunes.jpg", "dunes-large.jpg"}, {"lagoon.jpg", "lagoon.webp"})
    for one in STABLE:
        for other in STABLE:
            apart = distance(int(STABLE[one][3], 16), int(STABLE[other][3], 16))
            assert apart == 0 if one == other or {one, other} in alike else apart >= 16


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_is_told_from_a_still_and_its_first_frame_looked_at(kind: str) -> None:
    red, blue = (Picture.new("RGB", (40, 30), colour) for colour in ("#ff0000", "#0000ff"))
    moving = signals_of(encoded(red, kind, save_all=True, append_images=[blue], lossless=True))
    assert (moving.animated, moving.width, moving.height, moving.colour) == (True, 40, 30, "#ff0000")
    still = signals_of(encoded(red, kind, lossless=True))
    assert (still.animated, still.colour) == (False, "#ff0000")


def test_what_is_transparent_is_looked_at_on_white() -> None:
    clear = Picture.new("RGBA", (64, 64), (255, 0, 0, 0))
    assert signals_of(encoded(clear, "PNG")).colour == "#ffffff"
    clear.paste((0, 128, 0, 255), (0, 0, 64, 40))
    assert signals_of(encoded(clear, "WEBP", lossless=True)).colour == "#008000"
    assert signals_of(encoded(clear.quantize(8), "GIF", transparency=0)).colour in ("#008000", "#ffffff")


def test_every_mode_of_png_and_jpeg_is_read() -> None:
    base = Picture.open(BytesIO(sample("mosaic.png"))).convert("RGB")
    same = signals_of(encoded(base, "PNG"))
    for mode in ("P", "RGBA", "L", "LA"):
        other = signals_of(encoded(base.convert(mode), "PNG"))
        assert distance(int(same.phash, 16), int(other.phash, 16)) <= 8, mode
    deep = Picture.new("I;16", (base.width, base.height))
    deep.putdata([value * 257 for value in base.convert("L").tobytes()])
    assert distance(int(same.phash, 16), hashed(encoded(deep, "PNG"))) <= 4
    for mode in ("L", "CMYK"):
        assert distance(int(same.phash, 16), hashed(encoded(base.convert(mode), "JPEG"))) <= 8, mode
    assert signals_of(encoded(base.convert("1"), "PNG")).width == 200


def test_extreme_shapes_are_images() -> None:
    for size in ((1, 1), (1, 20_000), (20_000, 1), (511, 2)):
        signals = signals_of(encoded(Picture.new("RGB", size, "#336699"), "PNG"))
        assert ((signals.width, signals.height), signals.colour) == (size, "#336699")


BOMBS = {
    # None of them holds a pixel: a decoder that began would say that they are truncated.
    "png": png(50_000, 50_000, (b"IDAT", b"")),
    "png with data": png(9_000, 9_000, (b"IDAT", zlib.compress(bytes(1_000)))),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0) + b"," + struct.pack("<HHHHB", 0, 0, 9, 9, 0),
    "gif frame": b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"," + struct.pack("<HHHHB", 0, 0, 9_999, 9_999, 0),
    "gif frame of any size": b"GIF89a"
    + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    + b","
    + struct.pack("<HHHHB", 0, 0, 65_000, 65_000, 0),
    "jpeg": b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack("!HH", 60_000, 60_000) + b"\x03" + b"\x01\x11\x00" * 3,
    "webp x": b"RIFF\xff\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00" + bytes(4) + b"\xff\x3f\x00" * 2,
    "webp l": b"RIFF\xff\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00/" + b"\xff\xff\xff\x0f" + bytes(8),
    "webp": b"RIFF\xff\x00\x00\x00WEBPVP8 \x0a\x00\x00\x00\x00\x00\x00\x9d\x01\x2a" + b"\xff\x3f" * 2,
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_header(name: str) -> None:
    content = BOMBS[name] + (b"\x02" if "gif" in name else b"\xff\xda\x00\x02" if name == "jpeg" else b"")
    with pytest.raises(ImageError) as refused:
        signals_of(content)
    assert refused.value.code == "too_large", refused.value.detail
    assert MAX_PIXELS == 50_000_000
    assert orjson.loads(run(content))["error"] == "too_large"


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"<svg/>", b"%PDF-1.7", b"BM" + bytes(60), b"GIF88a", b"RIFF1234WAVE"]
)
def test_what_has_no_signature_of_ours_is_no_image(content: bytes) -> None:
    with pytest.raises(ImageError) as refused:
        signals_of(content)
    assert refused.value.code == "not_an_image"


@pytest.mark.parametrize("name", ["dunes.jpg", "mosaic.png", "lagoon.webp"])
def test_an_image_that_was_cut_off_is_truncated(name: str) -> None:
    content = sample(name)
    for part in (0.5, 0.9):
        with pytest.raises(ImageError) as refused:
            signals_of(content[: int(len(content) * part)])
        assert refused.value.code == "truncated", refused.value.detail


def test_damaged_bytes_end_in_signals_or_in_an_error_of_ours() -> None:
    """Each byte of the first 200 flipped, and every length below 200: nothing else comes out."""
    codes = set()
    for name in ("icon.png", "bread.webp", "dunes.jpg"):
        content = sample(name)
        flipped = [content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :] for at in range(0, 200, 3)]
        for hostile in (*flipped, *(content[:length] for length in range(0, 200, 7))):
            try:
                signals_of(hostile)
            except ImageError as error:
                codes.add(error.code)
    assert codes >= {"damaged", "truncated", "not_an_image"}
    assert codes <= {"damaged", "truncated", "not_an_image", "too_large"}


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"signals": {"sha256": 1}}'])
def test_an_answer_that_says_nothing_is_a_failed_image(answer: bytes) -> None:
    with pytest.raises(ImageError) as failed:
        read_answer(answer)
    assert failed.value.code == "failed"
