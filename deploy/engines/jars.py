"""The jars of Cassandra and Kafka: fetched once by Maven into a cache, identified by their pom's hash."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.engines import programs
from deploy.engines.errors import EngineFailed

_POMS = Path(__file__).parent
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_SHOWN_EVERY = 25


def cache_directory() -> Path:
    """Return `$ARAGOG_ENGINE_CACHE`, or `~/.cache/aragog-engines`."""
    return Path(os.environ.get("ARAGOG_ENGINE_CACHE") or Path.home() / ".cache" / "aragog-engines")


def jars(engine: str) -> Path:
    """Return the directory with the engine's jars, fetched now (20 s, with progress) if this pom is new."""
    pom = _POMS / f"{engine}.pom.xml"
    target = cache_directory() / f"{engine}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    programs.require(engine, {"mvn": "maven"})
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():  # another command may have fetched them meanwhile
            _fetch(engine, pom, target)
    return target


def _fetch(engine: str, pom: Path, target: Path) -> None:
    """Fetch into a draft directory and rename it: a half-fetched cache is never used."""
    draft = target.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    argv = ["mvn", "-B", "-f", str(pom), _COPY, "-DincludeScope=runtime", f"-DoutputDirectory={draft}"]
    said = _run_with_progress(engine, argv)
    if not any(draft.glob("*.jar")):
        raise EngineFailed(f"Maven could not fetch the jars of {engine}:\n{said}")
    draft.rename(target)


def _run_with_progress(engine: str, argv: list[str]) -> str:
    """Run Maven, counting its downloads on standard error; if it fails, return its last lines, which is no answer."""
    words: list[str] = []
    fetched = 0
    _show(f"{engine:14} fetching its jars from Maven Central, this once")
    with subprocess.Popen(  # noqa: S603  # Maven by name, our own arguments
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as maven:
        for line in maven.stdout or ():
            words = [*words[-20:], line.rstrip()]
            if "Downloaded" in line and ".jar" in line:
                fetched += 1
                if fetched % _SHOWN_EVERY == 0:
                    _show(f"{engine:14} {fetched} jars fetched")
    if maven.returncode:
        raise EngineFailed(f"Maven could not fetch the jars of {engine}:\n" + "\n".join(words))
    return "\n".join(words)


def _show(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
