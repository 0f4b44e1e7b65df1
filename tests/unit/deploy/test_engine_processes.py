"""The processes of an engine: nothing of one that has ended stays behind."""

from __future__ import annotations

from pathlib import Path

from deploy.engines.processes import spawn


def test_a_process_seen_as_ended_has_left_no_zombie_whenever_it_ends_between_two_looks(tmp_path: Path) -> None:
    for _ in range(50):
        process = spawn(["true"], tmp_path, tmp_path / "log", {})
        while process.alive:
            pass
        assert not Path(f"/proc/{process.pid}").exists()
