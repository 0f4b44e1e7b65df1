"""Many `aragog fetch` commands of one domain, one after another and at once: the domain's spacing holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.processes import read_log, run_aragog, sample_web
from tests.support.sample_web import reaching

URL = "http://garden.test/articles/tomatoes"
INTERVAL_MS = 100
#: Between the slot and the origin's reading of the request lie two event loops on a busy machine.
JITTER_MS = 30


@pytest.mark.timeout(400)
def test_fifty_commands_of_one_domain_half_of_them_at_once_keep_its_spacing(tmp_path: Path) -> None:
    with sample_web(tmp_path) as web:
        env = reaching(web, tmp_path / "data")
        ended = [run_aragog(env, "fetch", URL) for _ in range(25)]
        with ThreadPoolExecutor(25) as threads:
            ended += threads.map(lambda _: run_aragog(env, "fetch", URL), range(25))
        log = read_log(web["log"])
    assert [done.returncode for done in ended] == [0] * 50, ended[-1].stderr
    times = sorted(float(entry["t_ms"]) for entry in log)
    assert [entry["path"] for entry in log].count("/articles/tomatoes") == 50
    assert min(later - sooner for sooner, later in pairwise(times)) >= INTERVAL_MS - JITTER_MS


def test_a_second_command_is_told_who_owns_the_data_directory(tmp_path: Path) -> None:
    with sample_web(tmp_path) as web:
        env = reaching(web, tmp_path / "data")
        with ThreadPoolExecutor(1) as thread:
            slow = thread.submit(run_aragog, env, "fetch", "http://news.test/slow", URL)
            while not (tmp_path / "data" / "owner.lock").exists():
                pass
            second = run_aragog(env, "fetch", "--lock-wait-ms", "0", URL)
            assert slow.result().returncode == 0
    assert second.returncode == 1
    assert "fetches from it" in second.stderr and "data_directory_locked" in second.stderr
