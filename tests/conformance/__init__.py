"""Vectors that nobody on this project wrote: read where they lie, never copied; how to count is said beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE_REPOSITORY = Path(__file__).parents[2].parent / "shared" / "conformance"


def vectors(name: str) -> Path:
    """Path of a vector file such as `url/wpt_urltestdata.json`; the calling test is skipped where it is absent.

    Looked up in `$ARAGOG_CONFORMANCE_DIR`, else in `../shared/conformance` beside the repository.
    """
    directory = Path(os.environ.get("ARAGOG_CONFORMANCE_DIR") or _BESIDE_REPOSITORY)
    path = directory / name
    if not path.is_file():
        pytest.skip(f"no conformance vectors at {path}; set ARAGOG_CONFORMANCE_DIR", allow_module_level=True)
    return path
