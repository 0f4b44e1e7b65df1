"""pHash: 64 bits that stay nearly the same when a picture is resized or compressed again. Pure, whole numbers only.

Of 32 x 32 grey values, the two-dimensional DCT-II; of its coefficients the 8 x 8 lowest frequencies, row by row
(vertical frequency first). A bit is 1 where its coefficient exceeds the median of the 64. The first coefficient, the
mean brightness, leads as the most significant bit. Cosines are rounded to 14 bits, and everything after is exact: the
same grey values give the same hash on every machine.

Two pictures are similar if few bits differ (Hamming distance of at most about 8). A picture of one colour has only
the first bit: compare the colours of such pictures, not their hashes.
"""

from __future__ import annotations

import math
from operator import mul

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
