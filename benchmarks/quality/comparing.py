"""Comparison of two readings of a field, by kind, and the similarity of two texts. Pure."""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"\w+")


def kind(ours: str, theirs: str) -> str:
    """agree, none, only ours, only theirs, differ: white space and case of the scheme don't count."""
    ours, theirs = " ".join(ours.split()), " ".join(theirs.split())
    if ours == theirs:
        return "agree" if ours else "none"
    if not theirs:
        return "only ours"
    return "differ" if ours else "only theirs"


def f1(found: str, known: str) -> float:
    """Of the words, each as often as it stands there: harmonic mean of precision and recall."""
    one, other = Counter(_WORD.findall(found.lower())), Counter(_WORD.findall(known.lower()))
    common = (one & other).total()
    return 2 * common / (one.total() + other.total()) if common else 0.0
