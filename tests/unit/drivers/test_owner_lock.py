"""One writer a place, whatever becomes of the lock's file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.owner_lock import OWNER_LOCK, Locks, OwnerLock, owner_pid
from thrift_idl.errors import BackendDown, FolderLocked, LockLost, StoreUnreadable

HOLDING = """
import sys, pathlib
from drivers.owner_lock import OwnerLock
lock = OwnerLock.take(pathlib.Path(sys.argv[1]))
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process_holds(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin and process.stdout
    process.stdout.readline()
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(30)


def test_a_second_process_is_refused_by_any_name_of_the_place_and_told_who_holds_it(tmp_path: Path) -> None:
    place = tmp_path / "place"
    with another_process_holds(place / OWNER_LOCK) as holder:
        (tmp_path / "link").symlink_to(place)
        (tmp_path / "hard").mkdir()
        os.link(place / OWNER_LOCK, tmp_path / "hard" / OWNER_LOCK)
        for spelling in (place, tmp_path / "link", tmp_path / "hard", tmp_path / "link" / ".." / "place"):
            with pytest.raises(FolderLocked, match="stop it, or name another place") as refused:
                OwnerLock.take(spelling / OWNER_LOCK)
            assert refused.value.details["pid"] == str(holder.pid) == str(owner_pid(place / OWNER_LOCK))


def test_the_same_process_is_refused_too(tmp_path: Path) -> None:
    lock = OwnerLock.take(tmp_path / OWNER_LOCK)
    with pytest.raises(FolderLocked):
        OwnerLock.take(tmp_path / OWNER_LOCK)
    lock.release()
    OwnerLock.take(tmp_path / OWNER_LOCK).release()


def _deleted(lock: Path) -> None:
    lock.unlink()


def _replaced(lock: Path) -> None:
    shutil.copy2(lock, lock.with_suffix(".copy"))
    lock.with_suffix(".copy").replace(lock)


def _made_anew(lock: Path) -> None:
    lock.unlink()
    lock.touch()


def _folder_moved(lock: Path) -> None:
    lock.parent.rename(lock.parent.with_name("moved"))


def _folder_deleted(lock: Path) -> None:
    shutil.rmtree(lock.parent)


@pytest.mark.parametrize("harm", [_deleted, _replaced, _made_anew, _folder_moved, _folder_deleted])
def test_a_lock_that_is_gone_is_noticed_and_its_successor_knows_that_it_cant_know(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = tmp_path / "place" / OWNER_LOCK
    lock, locks = OwnerLock.take(path), Locks()
    locks.add(lock)
    locks.check()
    with another_process_holds(tmp_path / "other" / OWNER_LOCK):
        harm(path)
        with pytest.raises(LockLost, match="nothing more is granted or sent") as lost:
            locks.check()
        assert isinstance(lost.value, StoreUnreadable), "no waiting mends it"
    lock.release()


@pytest.mark.parametrize("harm", [_deleted, _replaced, _made_anew])
def test_whoever_takes_the_place_of_a_living_holder_doesnt_take_it_for_known(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = tmp_path / OWNER_LOCK
    with another_process_holds(path):
        harm(path)
        lock = OwnerLock.take(path)
        assert not lock.is_known
        lock.release()


def test_a_place_whose_holder_let_go_or_was_killed_is_known(tmp_path: Path) -> None:
    path = tmp_path / OWNER_LOCK
    first = OwnerLock.take(path)
    assert not first.is_known
    first.release()
    with another_process_holds(path) as holder:
        holder.kill()
        holder.wait(30)
        after = OwnerLock.take(path)
    assert after.is_known
    after.release()
    last = OwnerLock.take(path)
    assert last.is_known
    last.release()


def test_a_place_that_cant_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackendDown, match="file"):
        OwnerLock.take(tmp_path / "file" / "place" / OWNER_LOCK)
