"""An environment for what is compared with, under .bench/: made by the first run, by uv or pip, versions pinned."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
WANTED = ("scrapy==2.19.0", "lxml==6.1.3", "parsel==1.12.1", "beautifulsoup4==4.15.0", "zstandard==0.25.0")
ORACLES = ("extruct==0.18.0", "trafilatura==2.3.1", "parsel==1.12.1", "beautifulsoup4==4.15.0", "lxml==6.1.3")
"""Of benchmarks.quality and benchmarks.extraction."""


def environment(name: str = "peers", wanted: Sequence[str] = WANTED) -> Path:
    """Its folder. Raises `CalledProcessError` where a package can't be had."""
    venv = ROOT / ".bench" / name
    complete = venv / "complete.txt"
    if not complete.exists() or complete.read_text() != " ".join(wanted):
        shutil.rmtree(venv, ignore_errors=True)
        for command in _making(venv, wanted):
            subprocess.run(command, check=True)
        complete.write_text(" ".join(wanted))
    return venv


def _making(venv: Path, wanted: Sequence[str]) -> Sequence[Sequence[str]]:
    """The commands; with uv, where there is one that runs, as the Makefile has it."""
    python = str(venv / "bin/python")
    uv = shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0:
        made = [uv, "venv", "--quiet", "--python", sys.executable, str(venv)]
        return made, [uv, "pip", "install", "--quiet", "--python", python, *wanted]
    return [sys.executable, "-m", "venv", str(venv)], [python, "-m", "pip", "install", "--quiet", *wanted]
