"""The shards' ledgers beside what the origin saw, by the command that a site owner's question is answered with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tests.support.many_hosts import Log
from tests.support.processes import environment, run_aragog


def agree(folder: Path, ledgers: Iterable[Path], log: Log) -> dict[str, int]:
    """The result of a comparison. Every request had a grant, and no two shards granted too much together."""
    access = folder / "access.jsonl"
    lines = (
        json.dumps({"host": host, "user_agent": "Aragog/0.1", "t_ms": when * 1_000}) for when, host, _ in log.requests
    )
    access.write_text("\n".join(lines) + "\n")
    found = [str(ledger) for ledger in ledgers if ledger.is_dir()]
    done = run_aragog(environment(), "politeness", "verify", *found, "--access-log", str(access), "--json")
    assert done.stdout, done.stderr
    proven = json.loads(done.stdout)
    assert proven["windows"]["broken"] == 0, proven["sentence"]
    assert proven["intervals"]["broken"] == 0, proven["sentence"]
    assert proven["access_log"]["ungranted"] == 0, proven["access_log"]
    return {name: proven["access_log"][name] for name in ("requests", "paired", "unused", "in_tail", "outside")}
