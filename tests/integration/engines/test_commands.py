"""`python -m deploy.engines`, as `make engines` and CI call it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.engines import EngineState, shared, sweep
from deploy.engines.catalogue import private
from deploy.engines.probes import redis_pongs
from deploy.engines.programs import java
from tests.support import engines

REPOSITORY = Path(__file__).parents[3]
BOTH = ("redis-durable", "redis-cache")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of engines beside the shared one; what was started there is ended."""
    engines.shared_engine("redis-durable")
    monkeypatch.setenv("ARAGOG_ENGINES_DIR", str(tmp_path))
    yield tmp_path
    for name in BOTH:
        shared(name).wipe()


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.engines", *words],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_start_prints_urls_that_a_shell_can_export_and_says_what_was_running(directory: Path) -> None:
    first = command("start", *BOTH)
    assert first.returncode == 0
    exports = dict(line.removeprefix("export ").split("=", 1) for line in first.stdout.splitlines() if "export" in line)
    assert exports == {f"ARAGOG_ENGINE_{name.upper().replace('-', '_')}": shared(name).url for name in BOTH}
    assert all(shlex.quote(url) == url for url in exports.values())
    again = command("start", *BOTH)
    assert again.stderr.count("was running already") == 2
    assert again.stdout == first.stdout == command("env").stdout


def test_a_restarted_engine_is_found_on_its_port(directory: Path) -> None:
    command("start", "redis-durable")
    port = shared("redis-durable").port
    assert "stopped" in command("stop", "redis-durable").stderr
    assert not redis_pongs(port)
    assert "was not running" in command("stop", "redis-durable").stderr
    command("start", "redis-durable")
    assert redis_pongs(port)


def test_status_tells_running_from_stopped_and_paused(directory: Path) -> None:
    command("start", "redis-cache")
    status = command("status", *BOTH).stdout.splitlines()
    assert status[0].split() == ["redis-durable", "stopped"]
    assert status[1].split()[:2] == ["redis-cache", "running"]
    shared("redis-cache").pause()
    assert command("status", "redis-cache").stdout.split()[1] == "paused"


def test_stop_with_wipe_removes_the_data_and_gives_the_port_up(directory: Path) -> None:
    command("start", "redis-durable")
    assert command("stop", "--wipe", "redis-durable").returncode == 0
    assert not (directory / "redis-durable").exists()


def test_a_missing_program_is_named_with_its_debian_package(directory: Path, tmp_path: Path) -> None:
    failed = command("start", "redis-cache", PATH=str(tmp_path))
    assert failed.returncode == 1
    assert "redis-cache needs redis-server" in failed.stderr
    assert "apt-get install -y --no-install-recommends redis-server" in failed.stderr


def test_an_unknown_engine_is_answered_with_the_known_ones() -> None:
    failed = command("start", "mongo")
    assert failed.returncode == 2
    assert "no engine is called mongo; there are redis-durable, redis-cache" in failed.stderr


def test_java_is_chosen_by_its_version_not_by_its_directory() -> None:
    engines.shared_engine("cassandra")
    said = subprocess.run([java(17), "-version"], capture_output=True, text=True, check=True).stderr
    assert 'version "17' in said


def test_a_private_engine_of_a_test_run_that_was_killed_is_swept_and_one_of_a_living_run_is_not(
    directory: Path,
) -> None:
    orphan, ours = private("redis-cache"), private("redis-cache")
    for engine in (orphan, ours):
        engine.start()
    orphan.site.write("owner.json", {"pid": os.getpid(), "started": 1})
    sweep()
    assert not orphan.site.directory.exists() and orphan.state is EngineState.STOPPED
    assert ours.state is EngineState.RUNNING
    ours.wipe()
