"""Aragog's own processes in tests: commands and services as a user would start them, ended by their pid."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

READY = re.compile(r"^(\w+) ready on (\S+)$", re.MULTILINE)
#: Records each file and database that a process of ours opens; see `opened_files`.
AUDIT = Path(__file__).parent / "audit"


def environment(**settings: str) -> dict[str, str]:
    """A clean environment with `settings` as ARAGOG_ variables."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ARAGOG_") or k == "ARAGOG_CONFORMANCE_DIR"}
    return kept | {f"ARAGOG_{key.upper()}": value for key, value in settings.items()}


def run_aragog(
    env: Mapping[str, str], *arguments: str, timeout: float = 280, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, in `folder` or else where the tests run."""
    command = [sys.executable, "-m", "aragog", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False, cwd=folder)


def start_aragog(env: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start one command in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "aragog", *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM, wait_s: float = 15) -> int:
    """End a process that a test started; kill it where it doesn't heed."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.communicate(timeout=wait_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return process.returncode


@contextmanager
def service(env: Mapping[str, str], name: str) -> Iterator[str]:
    """`aragog serve NAME` on a free port; yields its address once it is ready."""
    variables = dict(env) | {f"ARAGOG_{name.upper()}_LISTEN": "127.0.0.1:0"}
    process = start_aragog(variables, "serve", name)
    try:
        yield _ready_address(process)
    finally:
        stop(process)


def _ready_address(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    found = READY.match(line)
    if not found:
        process.kill()
        raise AssertionError(f"not ready: {line!r} {process.communicate()[1]}")
    return found[2]


@contextmanager
def sample_web(folder: Path) -> Iterator[dict[str, Any]]:
    """The sample web in a process of its own; yields its port, mapping, seeds, URLs and the path of its log."""
    ready, log = folder / "ready.json", folder / "access.jsonl"
    command = [sys.executable, "-m", "testweb", "--log", str(log), "--ready-file", str(ready)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
            time.sleep(0.02)
        yield json.loads(ready.read_text()) | {"log": log}
    finally:
        stop(process)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The sample web's access log."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def audited(env: Mapping[str, str], record: Path) -> dict[str, str]:
    """`env` such that each Python process started with it appends what it opens to `record`."""
    return dict(env) | {"PYTHONPATH": str(AUDIT), "ARAGOG_TORTURE_AUDIT": str(record)}


def opened_files(record: Path) -> set[str]:
    """Paths that audited processes opened, databases included."""
    return set(record.read_text().splitlines()) if record.exists() else set()
