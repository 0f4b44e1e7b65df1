"""Text files that people write and change while we run: read whole, bounded, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

from thrift_idl.errors import BadConfiguration

Stamp = tuple[int, int, int]


def file_stamp(path: Path) -> Stamp:
    """A value that changes when the file does, also if it is replaced within one tick of its mtime; blocks.

    Raises `BadConfiguration`.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise refusal(path, error.strerror or str(error)) from None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def read_text(path: Path, most_bytes: int) -> str:
    """The file's text, UTF-8; blocks. Raises `BadConfiguration` naming file and reason."""
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise refusal(path, error.strerror or str(error)) from None
    if len(content) > most_bytes:  # first, because a cut text may end within a character
        raise refusal(path, f"larger than {most_bytes} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise refusal(path, "not UTF-8 text") from None


def refusal(file: str | Path, reason: str) -> BadConfiguration:
    """The error for a file that can't be applied."""
    return BadConfiguration(f"{file}: {reason}", file=str(file))
