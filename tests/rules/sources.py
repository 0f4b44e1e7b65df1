"""The sources of all tests, parsed once, as the rules read them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent


@dataclass(frozen=True)
class Source:
    """A module of the tests: where it lies, and its tree."""

    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its path as a person types it: tests/unit/..."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def folder(self) -> tuple[str, ...]:
        """The package it lies in, in parts: ("tests", "unit", "crawl")."""
        return self.path.relative_to(ROOT).parent.parts


@cache
def sources() -> tuple[Source, ...]:
    """Every module under tests/, in order."""
    return tuple(Source(path, ast.parse(path.read_text())) for path in sorted(TESTS.rglob("*.py")))
