"""The dominant colour of a picture. Pure.

Each pixel falls into one of 512 boxes by the upper three bits of its red, green and blue. The box with the most pixels
wins (of two equal ones the darker: the one with the smaller number), and the mean of its pixels is the colour.
"""

from __future__ import annotations

from collections.abc import Iterable

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
