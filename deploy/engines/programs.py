"""Paths of the programs that the engines need, and the Debian package that brings a missing one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from deploy.engines.errors import EngineFailed, ProgramMissing

_INSTALL = "apt-get install -y --no-install-recommends"


def require(engine: str, packages: Mapping[str, str]) -> None:
    """Check that every program exists; ProgramMissing names the Debian packages of all missing ones."""
    missing = {program: package for program, package in packages.items() if not shutil.which(program)}
    if missing:
        wanted = " ".join(sorted(set(missing.values())))
        raise ProgramMissing(f"{engine} needs {', '.join(sorted(missing))}, not found here: {_INSTALL} {wanted}")


def run(argv: list[str], log: Path, timeout_ms: int = 60_000) -> str:
    """Run a command to its end and return its output; EngineFailed with its output if it fails."""
    try:
        done = subprocess.run(  # noqa: S603  # our own command lines, no shell
            argv, capture_output=True, text=True, timeout=timeout_ms / 1000, check=False
        )
    except subprocess.TimeoutExpired as expired:
        raise EngineFailed(f"`{' '.join(argv)}` did not end within {timeout_ms} ms") from expired
    with log.open("a") as handle:
        handle.write(f"$ {' '.join(argv)}\n{done.stdout}{done.stderr}")
    if done.returncode:
        raise EngineFailed(f"`{' '.join(argv)}` failed ({done.returncode}):\n{done.stderr.strip()}")
    return done.stdout


@cache
def java(major: int = 17) -> str:
    """Return a `java` of exactly this version: Cassandra 5.0 runs on 11 and 17, not on newer ones."""
    for candidate in _java_candidates():
        if _java_major(candidate) == major:
            return str(candidate)
    raise ProgramMissing(
        f"no Java {major} found in $JAVA_HOME, on the PATH or in /usr/lib/jvm: {_INSTALL} openjdk-{major}-jdk-headless"
    )


def _java_candidates() -> list[Path]:
    homes = [Path(home) for home in [os.environ.get("JAVA_HOME", "")] if home]
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    found = [home / "bin" / "java" for home in homes]
    if on_path := shutil.which("java"):
        found.insert(0, Path(on_path))
    return [path for path in found if path.is_file()]


def _java_major(program: Path) -> int:
    """Ask it for its version: the directory's name is only its packager's custom."""
    try:
        said = subprocess.run(  # noqa: S603  # a program named java, asked for its version
            [str(program), "-version"], capture_output=True, text=True, timeout=20, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(version[1]) if version else 0
