"""The number of examples of a property: as its test says, in `make test-fast` as few as that profile says."""

from __future__ import annotations

import os

from hypothesis import settings


def examples(usual: int, torture: int | None = None) -> int:
    """The number for `@settings(max_examples=...)`: more in `make torture`, fewer in `make test-fast`."""
    if torture is not None and os.environ.get("ARAGOG_TORTURE"):
        return torture
    if settings.get_current_profile_name() == "fast":
        return min(usual, settings.default.max_examples)
    return usual
