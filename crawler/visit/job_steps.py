"""The step that each job is in, told to a listener: only tests listen, which kill workers in every step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Protocol

#: `done`: the job is in no step any more, its ack or its checkpoint is sent.
Step = Literal["fetch", "extract", "put", "enqueue", "publish", "link", "ack", "give_back", "done"]


class JobSteps(Protocol):
    """Called when a job (its descriptor) enters a step."""

    def __call__(self, step: Step, job: str, url: str = "", /) -> None:
        """`job` enters `step`; `url` if the step is about one."""
        ...


def silent(step: Step, job: str, url: str = "", /) -> None:
    """Do nothing."""


class StepFile:
    """Steps as lines `step job url` of a file: written at once, so that they outlive a killed process."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if the file can't be made."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def __call__(self, step: Step, job: str, url: str = "", /) -> None:
        """Append one line."""
        os.write(self._file, f"{step} {job} {url}\n".encode())
