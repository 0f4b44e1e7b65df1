"""The most common words of languages that share a script, from stop_words.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path


def _languages() -> dict[str, tuple[str, ...]]:
    table = tomllib.loads((Path(__file__).parent / "stop_words.toml").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for language, words in table.items():
        for word in words.split():
            found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


STOP_WORDS = _languages()
"""Word -> ISO 639-1 of each language that it is common in."""
