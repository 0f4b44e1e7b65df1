"""A file that people write is read whole, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.text_file import file_stamp, read_text
from thrift_idl.errors import BadConfiguration


def test_text_is_read_up_to_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text("é" * 5, encoding="utf-8")
    assert read_text(file, 10) == "é" * 5


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\xc3\xa9" * 5, "larger than 9 bytes"), (b"a" * 20, "larger than 9 bytes"), (b"\xff", "not UTF-8 text")],
    ids=["too large, cut within a character", "too large", "no text"],
)
def test_what_is_too_large_or_no_text_is_refused_by_name(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_bytes(content)
    with pytest.raises(BadConfiguration) as refused:
        read_text(file, 9)
    assert refused.value.message == f"{file}: {why}"


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    for read in (file_stamp, lambda path: read_text(path, 9)):
        with pytest.raises(BadConfiguration) as refused:
            read(file)
        assert refused.value.message == f"{file}: No such file or directory"
