"""Makes the sample web's images: `python testweb/images/make_images.py`. Needs Pillow; the server does not.

Every picture is drawn from its name alone, so a second run makes the same pixels; the bytes may differ with another
Pillow or codec, so they are committed.
"""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

FOLDER = Path(__file__).parent

# name: width, height, sky, ground, shapes
PICTURES = {
    "tomatoes.jpg": (320, 240, (196, 222, 170), (96, 62, 38), 9),
    "compost.jpg": (320, 240, (160, 140, 110), (62, 44, 30), 14),
    "trowel.png": (240, 240, (244, 244, 240), (190, 196, 200), 5),
    "watering-can.png": (240, 240, (232, 243, 250), (90, 150, 190), 6),
    "soup.jpg": (320, 213, (250, 236, 214), (186, 60, 30), 8),
    "bread.webp": (320, 240, (238, 214, 170), (150, 96, 44), 10),
    "poster.jpg": (200, 300, (24, 28, 60), (210, 120, 40), 7),
    "harbour.jpg": (360, 200, (150, 200, 236), (30, 80, 120), 12),
    "icon.png": (128, 128, (64, 60, 160), (230, 180, 60), 4),
    "dunes.jpg": (360, 240, (250, 214, 150), (200, 150, 80), 6),
    "dunes-large.jpg": (640, 427, (250, 214, 150), (200, 150, 80), 6),
    "lagoon.webp": (400, 260, (120, 210, 220), (20, 110, 130), 10),
    "lagoon.jpg": (360, 240, (120, 210, 220), (20, 110, 130), 10),
    "mosaic.png": (200, 200, (250, 250, 250), (40, 120, 90), 24),
}


def picture(name: str) -> Image.Image:
    """The picture of that name: a sky, a ground, and shapes between them."""
    width, height, sky, ground, shapes = PICTURES[name]
    dice = random.Random(name.partition(".")[0].removesuffix("-large"))  # noqa: S311 - pictures, not secrets
    image = Image.new("RGB", (width, height), sky)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 2 // 3, width, height), fill=ground)
    for _ in range(shapes):
        _shape(draw, dice, width, height)
    return image if name.endswith(".png") else image.filter(ImageFilter.GaussianBlur(1))


def _shape(draw: ImageDraw.ImageDraw, dice: random.Random, width: int, height: int) -> None:
    left, top = dice.random() * 0.8 * width, dice.random() * 0.8 * height
    right, bottom = left + (0.1 + dice.random() * 0.3) * width, top + (0.1 + dice.random() * 0.3) * height
    colour = (dice.randrange(256), dice.randrange(256), dice.randrange(256))
    draw_it = draw.ellipse if dice.random() < 0.6 else draw.rectangle
    draw_it((left, top, right, bottom), fill=colour)


def save(name: str) -> Path:
    """Draw and write one picture."""
    path = FOLDER / name
    picture(name).save(path, quality=70, optimize=True)
    return path


if __name__ == "__main__":
    for each in PICTURES:
        written = save(each).read_bytes()
        print(f"{each:20} {len(written):6} bytes  {hashlib.sha256(written).hexdigest()[:16]}")
