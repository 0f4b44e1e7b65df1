"""`python -m testweb` as a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from testweb.accesslog import read_log

COMMAND = [sys.executable, "-m", "testweb"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_is_and_stops_cleanly_at_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    ready, log = tmp_path / "ready.json", tmp_path / "access.jsonl"
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--ready-file", str(ready), "--log", str(log), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().split()[-1]
    name, _, mapping = (await process.stdout.readline()).decode().partition(" = ")
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{address}/", headers={"Host": "garden.test"})).status_code == 200
    process.send_signal(number)
    _, complaints = await process.communicate()
    facts = json.loads(ready.read_text())
    assert (process.returncode, complaints) == (0, b"")
    assert (name, json.loads(mapping)) == ("connect_to", facts["connect_to"])
    assert address == f"http://127.0.0.1:{facts['port']}"
    assert "http://garden.test/" in facts["seeds"]
    assert [access.url for access in read_log(log)] == ["http://garden.test/"]


def test_a_taken_port_ends_it_with_a_word_and_exit_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_that_cannot_be_written_ends_it_with_a_word_and_exit_code_1(tmp_path: Path) -> None:
    missing = tmp_path / "no" / "access.jsonl"
    done = subprocess.run([*COMMAND, "--log", str(missing)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr
