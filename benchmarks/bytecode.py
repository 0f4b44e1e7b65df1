"""Our modules compiled before a process that imports them is timed: an installed package's are, the peers' too."""

from __future__ import annotations

import compileall
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def compile_ours() -> None:
    """Write the bytecode of every package of the tree that lacks it or has changed; some seconds the first time."""
    for package in _ROOT.iterdir():
        if (package / "__init__.py").exists():
            compileall.compile_dir(package, quiet=1)
