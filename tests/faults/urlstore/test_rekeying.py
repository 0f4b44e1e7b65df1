"""kill -9 at the steps of converting keys: the same command finishes, and ends the same."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stored_formats import ARCHIVES, contents, copy_to_engines, places_in, unpacked

TORTURE = bool(os.environ.get("ARAGOG_TORTURE"))
#: Every so many steps a kill; an odd number, so that steps before and behind a call are hit.
EVERY = 1 if TORTURE else 11


def kills(*arguments: object) -> int:
    """The number of steps; every killed conversion is finished."""
    command = [sys.executable, "-m", "tests.faults.urlstore.rekeying_steps", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.timeout(1_800 if TORTURE else 300)
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name)
async def test_killed_at_any_step_the_same_command_finishes(archive: Path, tmp_path: Path) -> None:
    original, copies = unpacked(archive, tmp_path / "original"), tmp_path / "copies"
    count = await asyncio.to_thread(kills, "copies", original, copies, EVERY)
    assert count > 200 / EVERY
    ends = [await contents(places_in(copy)) for copy in sorted(copies.iterdir())]
    assert len(ends) == count + 1
    assert [number * EVERY + 1 for number, end in enumerate(ends) if end != ends[-1]] == [], "killed at these steps"


@pytest.mark.timeout(1_800 if TORTURE else 300)
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name)
async def test_killed_again_and_again_on_engines_it_ends_as_on_files(
    archive: Path, tmp_path: Path, cassandra_url: str, redis_durable_url: str
) -> None:
    jobs, places = unpacked(archive, tmp_path / "jobs"), (cassandra_url, redis_durable_url)
    await copy_to_engines(jobs, *places)
    assert await asyncio.to_thread(kills, "again", *places, jobs, 25, 3 if TORTURE else 37) > 0
    whole = unpacked(archive, tmp_path / "whole")
    assert await asyncio.to_thread(kills, "again", *places_in(whole), whole, 100_000, 0) == 0
    assert await contents(places) == await contents(places_in(whole))
