"""Crawls of the real sites by the command line: undisturbed, or killed in the middle and resumed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.acceptance.real_sites.serving import Asked, Served
from tests.acceptance.real_sites.sites import SITES, Site
from tests.support.processes import environment, run_aragog, start_aragog
from tests.support.sample_web import export

QPS = 200
#: A whole crawl, on a machine with other work.
_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Crawled:
    """The result of one crawl."""

    ended: dict[str, Any]
    exported: list[bytes]
    """The store's rows as lines, sorted, without timing."""
    log: list[Asked]

    def rows(self) -> dict[str, dict[str, Any]]:
        """The exported rows by their URLs."""
        return {row["url"]: row for row in map(json.loads, self.exported)}

    def rows_of(self, sites: Sequence[Site]) -> dict[str, dict[str, Any]]:
        """Those of some sites; no site links to another, so that each has the rows that it has alone."""
        hosts = {site.host for site in sites}
        return {url: row for url, row in self.rows().items() if urlsplit(url).hostname in hosts}


def limits(folder: Path) -> dict[str, str]:
    """Settings of whoever limits and crawls: 200 requests a second to each of the sites' domains, and whole pages."""
    folder.mkdir(parents=True, exist_ok=True)
    overrides = folder / "limits.toml"
    overrides.write_text("".join(f'[domains."{site.domain}"]\nqps = {QPS}\n' for site in SITES))
    return {"ratelimiter_overrides": str(overrides)}


def reaching(served: Served, folder: Path) -> dict[str, str]:
    """The environment of commands that reach the sites, embedded."""
    return environment(
        data_dir=str(folder / "data"),
        fetcher_connect_to=json.dumps(served.connect_to()),
        fetcher_allow_private='["*.test"]',
        **limits(folder),
    )


def crawl(served: Served, env: Mapping[str, str], sites: Sequence[Site] = SITES, kill_after: int = 0) -> Crawled:
    """Crawl `sites`; if `kill_after`, kill whoever does it after so many requests, and give the command again."""
    before = served.count()
    command = ["crawl", "--scope", "host", "--json", *(seed for site in sites for seed in site.seeds())]
    if kill_after:
        _kill_in_the_middle(served, env, command, before + kill_after)
    done = run_aragog(env, *command, timeout=_PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return Crawled(json.loads(done.stdout), export(env).splitlines(), served.log()[before:])


def _kill_in_the_middle(served: Served, env: Mapping[str, str], command: Sequence[str], requests: int) -> None:
    process = start_aragog(env, *command)
    deadline = time.monotonic() + _PATIENCE_S
    try:
        while served.count() < requests:
            assert process.poll() is None, f"ended before it was killed: {process.communicate()}"
            assert time.monotonic() < deadline, "the crawl doesn't get so far"
            time.sleep(0.02)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
