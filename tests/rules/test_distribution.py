"""`tests.support.distribution` on small suites of its own: every test runs once, those marked `alone` when all have."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rules.sources import ROOT

CONFTEST = """
import json, os, time
import pytest
from tests.support.alone_last import AloneLast
from tests.support.distribution import grouped, told

def pytest_configure(config):
    config.addinivalue_line("markers", "alone(reason): x")
    config.addinivalue_line("markers", "cassandra: x")

def pytest_xdist_make_scheduler(config, log):
    return AloneLast(config, log)

def pytest_configure_node(node):
    told(node)

def pytest_collection_modifyitems(config, items):
    grouped(config, items)

@pytest.fixture(autouse=True)
def noted(request):
    began = time.monotonic()
    yield
    with open(os.environ["NOTES"], "a") as notes:
        worker = os.environ["PYTEST_XDIST_WORKER"]
        notes.write(json.dumps([request.node.name, worker, began, time.monotonic()]) + "\\n")
"""
SLEEPS = "import time\n\n{before}def test_{name}(): time.sleep({seconds})\n"
ALONE = "import pytest\n@pytest.mark.alone('measures')\n"
OF_CASSANDRA = "import pytest\n@pytest.mark.cassandra\n"


@dataclass(frozen=True)
class Ran:
    """One test as it ran: seconds of the monotonic clock."""

    name: str
    worker: str
    began: float
    ended: float


def run(folder: Path, modules: dict[str, str], *options: str) -> list[Ran]:
    """Run a suite of these modules on two workers; every test of it passes."""
    tests = folder / "tests" / "unit"
    tests.mkdir(parents=True)
    (tests.parent / "conftest.py").write_text(CONFTEST)
    for name, text in modules.items():
        (tests / f"test_{name}.py").write_text(text)
    notes = folder / "notes"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadscope", "-p", "no:cacheprovider"]
    command += ["-p", "no:asyncio", "-p", "no:timeout", "-p", "no:hypothesispytest"]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "NOTES": str(notes)}
    done = subprocess.run(
        [*command, "--rootdir", str(folder), *options, "tests"],
        cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return [Ran(*json.loads(line)) for line in notes.read_text().splitlines()]


def sleeper(name: str, seconds: float = 0.0, before: str = "") -> str:
    return SLEEPS.format(name=name, seconds=seconds, before=before)


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"a": sleeper("a", 0.3), "b": "".join(sleeper(f"b{n}") for n in range(7)), "c": sleeper("c")},
    ],
)
def test_what_is_to_be_alone_runs_when_all_others_have_ended(tmp_path: Path, others: dict[str, str]) -> None:
    mixed = sleeper("z1", 0.1, ALONE) + sleeper("beside") + sleeper("z2", 0.1, ALONE)
    ran = run(tmp_path, others | {"z": mixed, "z3": sleeper("z3", 0, ALONE)})
    alone = [each for each in ran if each.name in ("test_z1", "test_z2", "test_z3")]
    rest = [each for each in ran if each not in alone]
    assert len(alone) == 3 and len(rest) == 1 + sum(text.count("def test_") for text in others.values())
    assert len({each.name for each in ran}) == len(ran)
    assert len({each.worker for each in alone}) == 1
    assert max(each.ended for each in rest) <= min(each.began for each in alone)


def test_tests_of_cassandra_share_a_worker_and_those_of_a_module_too(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        {f"c{n}": sleeper(f"c{n}", 0.1, OF_CASSANDRA) for n in range(3)}
        | {f"m{n}": sleeper(f"m{n}_1", 0.05) + sleeper(f"m{n}_2", 0.05) for n in range(4)},
    )
    assert len(ran) == 11
    assert len({each.worker for each in ran if each.name.startswith("test_c")}) == 1
    for n in range(4):
        assert len({each.worker for each in ran if each.name.startswith(f"test_m{n}")}) == 1
    assert len({each.worker for each in ran}) == 2
