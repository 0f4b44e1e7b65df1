"""Vectors through the commands that filter lines, as a stranger would run them: one process for a whole suite."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from tests.support.processes import environment


def filtered(command: str, lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers of `aragog COMMAND --jsonl`, one for each line, from a process without configuration or home."""
    given = [json.dumps(line) for line in lines]
    done = subprocess.run(
        [sys.executable, "-m", "aragog", *command.split(), "--jsonl"],
        input="".join(f"{line}\n" for line in given).encode(),
        env=environment(data_dir="/nonexistent/nowhere"),
        capture_output=True,
        check=True,
        timeout=110,
    )
    assert done.stderr == b""
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(given)
    return answers
