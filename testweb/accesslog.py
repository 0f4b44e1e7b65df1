"""The access log: each request with its host and time. Politeness is proven from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """One answered request; control calls are not logged.

    `t_ms` is the wall clock (ms since 1970, with a fraction) when the request head was read to its end, so that a slow
    answer doesn't move it. `host` is lower case without the port; `path` is the request target with its query.
    """

    t_ms: float
    host: str
    method: str
    path: str
    status: int
    user_agent: str

    @property
    def url(self) -> str:
        """The requested URL."""
        return f"http://{self.host}{self.path}"


class AccessLog:
    """The entries in memory, in order of their answers; and as JSON lines in a file, if one is given.

    The file is appended to and flushed at every entry, so that another process can read it at any time.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[ServedRequest] = []
        self._path = path
        self._file: TextIO | None = None

    def open(self) -> None:
        """Open the file. Raises OSError if it cannot be written."""
        if self._path is not None:
            self._file = self._path.open("a", encoding="utf-8")

    def add(self, access: ServedRequest) -> None:
        """Record one answer."""
        self.entries.append(access)
        if self._file is not None:
            self._file.write(json.dumps(asdict(access)) + "\n")
            self._file.flush()

    def clear(self) -> None:
        """Forget the entries in memory; the file keeps its lines."""
        self.entries.clear()

    def close(self) -> None:
        """Close the file; the entries in memory stay readable."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __iter__(self) -> Iterator[ServedRequest]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def read_log(path: Path) -> list[ServedRequest]:
    """The entries of a log file that a (perhaps still running) server writes; an unfinished last line is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [ServedRequest(**json.loads(line)) for line in lines]
