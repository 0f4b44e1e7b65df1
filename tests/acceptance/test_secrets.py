"""A marker planted in every secret setting is in nothing that we print, log, write or name our processes by."""

from __future__ import annotations

from pathlib import Path

import pytest

from aragog.settings import SECRETS
from tests.support.processes import environment, run_aragog, start_aragog, stop

MARKER = "m4rk3r"
URL = "http://127.0.0.1:1/"
SHOWING = [("config", "show"), ("config", "show", "--json"), ("doctor",), ("doctor", "--json")]
OPENING = [("fetch", URL), ("crawl", "ls"), ("queue", "rm", "crawl", "--yes"), ("serve", "all"), ("worker",)]
#: Backends that nobody listens for, by the right spelling.
DEAD = {
    "fetcher_proxy": f"http://user:{MARKER}@127.0.0.1:1",
    "fetcher_robots_cache": f"redis://user:{MARKER}@127.0.0.1:1/0",
    "ratelimiter_state": f"redis://user:{MARKER}@127.0.0.1:1/0",
    "ratelimiter_holds": f"redis://:{MARKER}@127.0.0.1:1/0",
    "urlstore_metadata": f"cassandra://user:{MARKER}@127.0.0.1:1/aragog",
    "urlstore_content": f"s3://KEY:{MARKER}@127.0.0.1:1/aragog",
    "pinlater_backend": f"redis://user:{MARKER}@127.0.0.1:1/0",
    "crawl_frontier": f"rediss://user:{MARKER}@127.0.0.1:1/0",
    "events_sink": "kafka://127.0.0.1:1/topic",
    "events_leases": f"redis://user:{MARKER}@127.0.0.1:1/0",
}
#: Of what no URL has a login, or has it in a place where it doesn't end.
WRONG = {
    "fetcher_proxy": f"socks://user:{MARKER}@h/x",
    "fetcher_robots_cache": f"redis://user:{MARKER}/@[::1/0",
    "ratelimiter_state": f"file://user:{MARKER}@h/x",
    "ratelimiter_holds": f"user:{MARKER}@h/x",
    "ratelimiter_ledger": f"file://user:{MARKER}@h/x",
    "urlstore_metadata": f"sqlite://user:{MARKER}@h/x",
    "urlstore_content": f"s3://KEY:{MARKER}@h/a/b",
    "pinlater_backend": f"redis://user:{MARKER}\u2100@h:1/0?password={MARKER}",
    "crawl_frontier": f"redis:user:{MARKER}@h/0",
    "events_sink": f"kafka://user:{MARKER}@127.0.0.1:1/topic",
    "events_leases": f"redis://h/0?secret={MARKER}",
}
SERVICES = {
    "ratelimiter_service": f"pool://user:{MARKER}@h/x",
    "urlstore_service": f"user:{MARKER}@127.0.0.1:1",
    "fetcher_service": f"user:{MARKER}@127.0.0.1:1",
    "pinlater_service": f"user:{MARKER}@127.0.0.1:1",
}
WHOLE = {name.replace(".", "_"): MARKER for name, part in SECRETS.items() if part == "whole"}


def test_every_secret_setting_is_planted() -> None:
    assert {name.replace(".", "_") for name in SECRETS} <= {*DEAD, *WRONG, *SERVICES, *WHOLE}


@pytest.mark.parametrize(
    ("planted", "command"),
    [
        *((planted, command) for planted in (DEAD, WRONG, SERVICES) for command in SHOWING),
        *((planted, command) for planted in (DEAD, WRONG) for command in OPENING),
        *((SERVICES, command) for command in (("fetch", URL), ("ping", SERVICES["urlstore_service"]))),
    ],
    ids=lambda value: "_".join(value)[:30] if isinstance(value, tuple) else "",
)
def test_no_command_says_a_secret(tmp_path: Path, planted: dict[str, str], command: tuple[str, ...]) -> None:
    env = environment(data_dir=str(tmp_path / "data"), **WHOLE | planted) | {"PYTHONWARNINGS": "default"}
    done = run_aragog(env, *command, folder=tmp_path)
    said = done.stdout + done.stderr
    assert said and MARKER not in said
    assert [path for path in tmp_path.rglob("*") if path.is_file() and MARKER.encode() in path.read_bytes()] == []


def test_no_process_is_named_by_a_secret(tmp_path: Path) -> None:
    env = environment(data_dir=str(tmp_path), fetcher_proxy=DEAD["fetcher_proxy"], **WHOLE)
    names = ("fetcher", "ratelimiter", "urlstore", "pinlater")
    env |= {f"ARAGOG_{name.upper()}_LISTEN": "127.0.0.1:0" for name in names}
    serving = start_aragog(env, "serve", "all")
    try:
        assert serving.stdout is not None
        ready = [serving.stdout.readline() for _ in range(4)]
        assert all("ready on" in line and MARKER not in line for line in ready)
        assert MARKER not in Path(f"/proc/{serving.pid}/cmdline").read_text()
    finally:
        stop(serving)
    crawling = start_aragog(env, "worker")
    try:
        assert crawling.stdout is not None and "worker ready" in crawling.stdout.readline()
        children = Path(f"/proc/{crawling.pid}/task/{crawling.pid}/children").read_text().split()
        for process in (str(crawling.pid), *children):
            assert MARKER not in Path(f"/proc/{process}/cmdline").read_text()
        for child in children:  # they read pages: nothing of ours is in their environment
            assert MARKER not in Path(f"/proc/{child}/environ").read_bytes().decode("utf-8", "replace")
    finally:
        stop(crawling)
