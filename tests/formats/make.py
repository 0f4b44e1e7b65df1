"""Make a small data directory in today's format: `python -m tests.formats.make FILE.tar.gz` (see README.md)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from aragog.assembly.storing import store_of
from aragog.settings import load
from tests.support import stored_web as web
from tests.support.processes import run_aragog, start_aragog
from tests.support.small_web import Page, SmallWeb, small_web
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.ttypes import Attribute, PutAttributesRequest

KEPT = ("urlstore.sqlite", "content.sqlite", "pinlater.sqlite", "frontier.sqlite", "events.jsonl")
_LONG_S = 60.0


def finished_crawl(env: Mapping[str, str]) -> None:
    """A crawl that ends: rows, an alias, refusals, inlinks, image states, events, marks, a finished frontier."""
    done = run_aragog(env, "crawl", "--json", web.SEED)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "done"


def unfinished_crawl(env: Mapping[str, str], served: SmallWeb) -> None:
    """A crawl that is killed while its pages wait: open entries, jobs in their queue."""
    process = start_aragog(env, "crawl", "--json", web.LATER_SEED)
    try:
        until = time.monotonic() + _LONG_S
        while not any(url in web.LATER for url in served.asked()):
            assert time.monotonic() < until, served.asked()
            time.sleep(0.05)
        time.sleep(2)  # what was answered is given back to its queue
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


async def attributes(env: Mapping[str, str]) -> None:
    """The attributes of a team on a page."""
    attribute = Attribute("team", "note", 1, web.NOTE, time.time_ns() // 1_000_000)
    async with store_of(load(env)) as store:
        await store.put_attributes(PutAttributesRequest(Context("formats"), web.LISTED, (attribute,)))


def pack(data_dir: Path, target: Path) -> None:
    """The files that are kept, each SQLite file whole in one."""
    with tarfile.open(target, "w:gz") as archive:
        for name in KEPT:
            path = data_dir / name
            if path.suffix == ".sqlite":
                with closing(sqlite3.connect(path)) as database:
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    database.execute("VACUUM")
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            archive.add(path, name, filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def main(target: Path) -> None:
    """Make the directory, pack it."""
    pages = {url: Page(**fields) for url, fields in web.PAGES.items()}
    with tempfile.TemporaryDirectory() as folder, small_web(pages) as served:
        env = served.settings(Path(folder), crawl_max_tries="1", events_image_tries="1")
        finished_crawl(env)
        asyncio.run(attributes(env))
        unfinished_crawl(env, served)
        pack(Path(folder), target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
