"""A full disk, a real one: told as such, nothing stored is lost, reads go on, and with room again so do writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.stores import open_backends, service_over
from tests.support.urlstore_requests import content_of, look, put, record
from thrift_idl.errors import DiskFull
from urlstore.service import UrlStoreService

RESERVE = 2 * 1024 * 1024
"""Half the disk: what SQLite committed lies in its log until a checkpoint, or the last close, copies it."""


async def _fill(service: UrlStoreService) -> int:
    """Put pages until the disk is full; how many were stored."""
    for number in range(2_000):
        try:
            await service.put_page(_page(number))
        except DiskFull as error:
            assert "make room" in error.message and "what was stored stays" in error.message
            return number
    raise AssertionError("2,000 pages went onto a disk of 4 MiB")


def _page(number: int):
    noise = f"{number}:{'x' * 10}".encode() + os.urandom(20_000)
    return put(f"http://a.test/{number}", noise, page=record(os.urandom(3_000).hex()))


@pytest.mark.parametrize("objects", ["sqlite", "files"])
@pytest.mark.parametrize("full", ["both", "rows", "content"])
async def test_a_full_disk_stops_puts_and_loses_nothing(
    small_disk: Path, tmp_path: Path, full: str, objects: str
) -> None:
    rows = tmp_path / "rows" if full == "content" else small_disk
    content = tmp_path / "content" if full == "rows" else small_disk
    reserve = small_disk / "reserve"
    reserve.write_bytes(bytes(RESERVE))
    urls = (
        f"sqlite:///{rows / 'store.db'}",
        f"sqlite:///{content / 'content.db'}" if objects == "sqlite" else f"file:///{content}",
    )
    service = service_over(await open_backends(*urls))
    stored = await _fill(service)
    assert stored > 20
    await _check(service, stored)
    for _ in range(3):
        with pytest.raises(DiskFull):
            await service.put_page(put("http://big.test/", os.urandom(900_000), page=record(os.urandom(900_000).hex())))
    await _check(service, stored)
    reserve.unlink()
    await service.put_page(put("http://room.test/", b"again"))
    await _check(service, stored)
    await service.close()

    reopened = service_over(await open_backends(*urls))
    await _check(reopened, stored)
    assert (await reopened.get_content(content_of("http://room.test/"))).content == b"again"
    await reopened.close()


async def _check(service: UrlStoreService, stored: int) -> None:
    for number in range(stored):
        content = await service.get_content(content_of(f"http://a.test/{number}"))
        assert content.content.startswith(b"%d:" % number)
    found = await service.lookup(look("http://big.test/"))
    assert found.row is None


async def test_a_store_cannot_be_made_on_a_full_disk(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (small_disk / "filler").write_bytes(bytes(5 * 1024 * 1024))
    with pytest.raises(DiskFull, match="make room"):
        service_over(await open_backends(f"sqlite:///{small_disk / 'store.db'}", f"file:///{small_disk}"))
