from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from tests.support.limiter_requests import assert_promise

QPS = 50.0
LIVES = 20
CLOCK_TOLERANCE_MS = 1.0


def _live_and_die(directory: Path, ledger: Path, rng: random.Random) -> None:
    """One life: killed at a random moment after its first grant of this life."""
    size = ledger.stat().st_size if ledger.exists() else 0
    command = [sys.executable, "-m", "tests.faults.ratelimiter.granter", str(directory), str(ledger), str(QPS)]
    process = subprocess.Popen([*command, "a.com", "b.com", "c.com"])
    try:
        deadline = time.monotonic() + 20
        while not ledger.exists() or ledger.stat().st_size == size:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.1))
    finally:
        process.kill()
        process.wait()


def _slots(ledger: Path) -> dict[str, list[tuple[float, float]]]:
    slots = defaultdict(list)
    for line in ledger.read_text().splitlines():
        domain, earliest, latest = line.split()
        slots[domain].append((float(earliest), float(latest)))
    return slots


def test_killed_and_restarted_twenty_times_no_slot_comes_nearer_than_the_interval(tmp_path: Path) -> None:
    rng, ledger = random.Random(20), tmp_path / "ledger"
    for _ in range(LIVES):
        _live_and_die(tmp_path / "state", ledger, rng)
    found = _slots(ledger)
    assert sum(map(len, found.values())) >= LIVES, "each life granted before it was killed"
    for slots in found.values():
        for (earliest, _), (_, latest) in pairwise(slots):
            assert latest - earliest >= 1_000 / QPS - CLOCK_TOLERANCE_MS
        assert_promise([earliest for earliest, _ in slots], QPS)
