"""A file that is read again after each change."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime.watched_file import LOOK_EVERY_MS, WatchedFile
from thrift_idl.errors import BadConfiguration


@dataclass
class Heard:
    """The calls to a file's telemetry."""

    loaded: int = 0
    refused: list[str] = field(default_factory=list)

    def file_loaded(self, path: str) -> None:
        self.loaded += 1

    def file_refused(self, path: str, reason: str) -> None:
        self.refused.append(reason)


def number(text: str, file: str) -> int:
    if not text.isdecimal():
        raise BadConfiguration(f"{file}: no number")
    return int(text)


async def test_a_change_is_in_force_at_the_next_look_and_a_bad_one_never(tmp_path: Path) -> None:
    path, heard = tmp_path / "n", Heard()
    path.write_text("1")
    file = await WatchedFile.open(path, number, heard)
    assert await file.current(0) == 1
    path.write_text("22")
    assert await file.current(LOOK_EVERY_MS - 1) == 1
    assert await file.current(LOOK_EVERY_MS) == 22
    path.write_text("bad")
    for look in (2, 3):
        assert await file.current(look * LOOK_EVERY_MS) == 22
    assert "no number" in file.complaint
    path.write_text("4444")
    assert await file.current(4 * LOOK_EVERY_MS) == 4444
    assert (file.complaint, heard.loaded, len(heard.refused)) == ("", 2, 1)


async def test_a_missing_file_leaves_the_last_content_and_is_read_when_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text("1")
    file = await WatchedFile.open(path, number)
    path.unlink()
    await file.look()
    assert await file.current(0) == 1 and file.complaint
    path.write_text("1")
    await file.look()
    assert file.complaint == ""


async def test_a_content_that_can_not_be_applied_is_not_in_force(tmp_path: Path) -> None:
    applied: list[int] = []

    async def apply(content: int) -> None:
        if content > 9:
            raise BadConfiguration("too many")
        applied.append(content)

    path = tmp_path / "n"
    path.write_text("1")
    file = await WatchedFile.open(path, number, apply=apply)
    path.write_text("10")
    assert await file.current(0) == 1
    assert (file.complaint, applied) == ("too many", [1])


async def test_a_file_larger_than_its_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text("1234")
    assert await (await WatchedFile.open(path, number, most_bytes=4)).current(0) == 1234
    with pytest.raises(BadConfiguration, match="larger than 3 bytes"):
        await WatchedFile.open(path, number, most_bytes=3)
