"""Medians of what several runs of one command printed, line by line."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w.]*\d)")


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of text with numbers in it, each written `#`."""

    line: str
    medians: list[float]
    runs: list[list[float]]
    """The numbers of the line in each run."""


def figures(outputs: Sequence[str]) -> Iterator[Figure]:
    """The lines that differ in their numbers alone; those without a number, or that only some runs have, stay away."""
    for lines in zip(*(output.splitlines() for output in outputs), strict=False):
        numbers = [[float(number.replace(",", "")) for number in NUMBER.findall(line)] for line in lines]
        texts = {NUMBER.sub("#", " ".join(line.split())) for line in lines}
        if numbers[0] and len(texts) == 1 and not any("#" in line for line in lines):
            yield Figure(texts.pop(), [statistics.median(each) for each in zip(*numbers, strict=True)], numbers)


def written(figure: Figure) -> str:
    """The line with its medians."""
    middle = iter(figure.medians)
    return re.sub("#", lambda _: _number(next(middle)), figure.line)


def _number(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,g}"
