"""Conversions of keys over real backends, each in a child that kills itself at one step.

Steps are counted before and after every call to a backend. One process forks all the children, so that a kill costs no
start of Python: `-m ... copies ORIGINAL FOLDER EVERY` kills a copy of ORIGINAL at every so many steps and lets each be
finished; `-m ... again METADATA FRONTIER JOBS FIRST MORE` kills one conversion again and again, each time some steps
later, until it is through. Both print how many kills there were.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from aragog.rekey import Rekey
from tests.faults.urlstore.stepping import Stepping
from tests.support.stored_formats import Places, open_frontier, open_metadata, places_in, queues_in


class SteppingFrontier(Stepping):
    """Its crawls are read as they are."""

    @property
    def crawls(self) -> object:
        return self._backend.crawls


async def convert(places: Places, jobs: Path, last_step: int) -> None:
    rows, entries = await open_metadata(places[0]), await open_frontier(places[1])
    async with queues_in(jobs) as queues:
        await Rekey(Stepping(rows, last_step), SteppingFrontier(entries, last_step), queues, lambda: 0).run()  # type: ignore[arg-type]  # a test's business
    await rows.close()
    await entries.close()


def killed(places: Places, jobs: Path, last_step: int = 0) -> bool:
    """True if a conversion in a child was killed at the step, False if it came to its end before."""
    sys.stdout.flush()
    if not (child := os.fork()):
        try:
            asyncio.run(convert(places, jobs, last_step))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), f"the conversion failed, stopped at step {last_step}"
    return code != 0


def killed_copies(original: Path, folder: Path, every: int) -> Iterator[Path]:
    """The copies, each killed at its step and then finished; the last one came to its end by itself."""
    step = 1
    while True:
        copy = folder / f"{step:05}"
        shutil.copytree(original, copy)
        was_killed = killed(places_in(copy), copy, step)
        assert not was_killed or not killed(places_in(copy), copy)
        if not was_killed:
            return
        yield copy
        step += every


def main(mode: str, *arguments: str) -> None:
    if mode == "copies":
        original, folder, every = arguments
        print(sum(1 for _ in killed_copies(Path(original), Path(folder), int(every))))
        return
    metadata, frontier, jobs, step, more = arguments
    kills = 0
    while killed((metadata, frontier), Path(jobs), int(step) + kills * int(more)):
        kills += 1
    print(kills)


if __name__ == "__main__":
    main(*sys.argv[1:])
