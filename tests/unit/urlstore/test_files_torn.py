"""Content files are written in place, so what a killed writer left there must not stay."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from urlstore.backends.files import FileContent

KEY = "ab" * 16 + "/" + "cd" * 32


@pytest.fixture
async def content(tmp_path: Path) -> FileContent:
    return await FileContent.open(f"file:///{tmp_path}")


async def test_a_torn_file_is_replaced_whole_by_a_repeated_put(content: FileContent, tmp_path: Path) -> None:
    await content.put(KEY, b"the whole of it")
    (file,) = tmp_path.rglob("*.zst")
    file.write_bytes(b"the wh")
    await content.put(KEY, b"the whole of it")
    assert await content.get(KEY) == b"the whole of it"


async def test_a_reader_with_the_file_open_never_sees_it_change(content: FileContent, tmp_path: Path) -> None:
    await content.put(KEY, b"packed by one version")
    (file,) = tmp_path.rglob("*.zst")
    with file.open("rb") as reader:
        await content.put(KEY, b"packed by another")
        assert reader.read() == b"packed by one version"


async def test_writers_of_one_object_leave_one_whole_file(content: FileContent, tmp_path: Path) -> None:
    await asyncio.gather(*(content.put(KEY, b"x" * 100_000) for _ in range(40)))
    (file,) = tmp_path.rglob("*.zst")
    assert file.stat().st_size == 100_000
