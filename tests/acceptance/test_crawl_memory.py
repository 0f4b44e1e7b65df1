"""A worker's memory is bounded by its bytes in flight, whatever the web serves."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from tests.support.many_hosts import Shape, many_hosts
from tests.support.processes import run_aragog, start_aragog

MIB = 1024 * 1024
PAGES, IN_FLIGHT_MIB, PLACES = 40, 16, 8


def test_large_pages_served_at_once_stay_within_the_bytes_in_flight(tmp_path: Path) -> None:
    seeds = [f"http://h{number}.test/{number}" for number in range(PAGES)]
    with many_hosts(tmp_path / "web", Shape(bytes=3 * MIB)) as web:
        settings = {"crawl_bytes_in_flight_mib": str(IN_FLIGHT_MIB), "crawl_places": str(PLACES)}
        env = web.settings(tmp_path / "data", ratelimiter_qps="1000", **settings)
        crawl = start_aragog(env, "crawl", "--json", "--depth", "0", *seeds)
        most_mib = most_resident(crawl)
        out, told = crawl.communicate(timeout=60)
    assert crawl.returncode == 0, told
    assert json.loads(out)["outcomes"] == {"fetched": PAGES}
    # Some 75 MiB for the program itself; of a page its content, and the copy that is handed on.
    print(f"resident at most {most_mib} MiB")
    assert 40 < most_mib < 100 + 3 * IN_FLIGHT_MIB


def test_a_page_larger_than_its_share_is_fetched_again_and_stored_whole(tmp_path: Path) -> None:
    with many_hosts(tmp_path / "web", Shape(bytes=3 * MIB)) as web:
        settings = {"crawl_bytes_in_flight_mib": "26", "crawl_places": "8"}  # a share is 2 MiB
        env = web.settings(tmp_path / "data", **settings)
        seeds = [f"http://one.test/{number}" for number in range(4)]
        done = run_aragog(env, "crawl", "--json", "--depth", "0", *seeds)
        assert done.returncode == 0 and "leaked" not in done.stderr, done.stderr
        exported = run_aragog(env, "store", "export").stdout.splitlines()
    pages = [row["page"] for row in map(json.loads, exported) if "page" in row]
    assert [page["content_bytes"] >= 3 * MIB for page in pages] == [True] * 4
    assert all("truncated" not in page["record"]["flags"] for page in pages)


def most_resident(process: subprocess.Popen[str]) -> int:
    """MiB; returns when the process has ended."""
    most = 0
    while process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        most = max([most, *(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))])
        time.sleep(0.05)
    return most
