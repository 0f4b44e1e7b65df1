"""A pool of limiter processes and the fetchers that use it, as an operator would run them; ended by their pids."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.processes import READY

SKEW_MS = 300


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Process:
    """One `aragog serve ...` on a port that stays the same from life to life."""

    def __init__(self, name: str, env: Mapping[str, str], folder: Path, *command: str) -> None:
        self.name = name
        self.port = free_port()
        self._env = env
        self._folder = folder
        self._command = [sys.executable, "-m", "aragog", "serve", *command]
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, service: str) -> None:
        """Start it, and return when it answers."""
        env = dict(self._env) | {
            "ARAGOG_DATA_DIR": str(self._folder),
            f"ARAGOG_{service.upper()}_LISTEN": self.address,
        }
        out = self._folder / "out.log"
        before = len(READY.findall(out.read_text())) if out.exists() else 0
        with out.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=env, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 30
        while len(READY.findall(out.read_text())) == before:
            assert self._process.poll() is None and time.monotonic() < deadline, out.read_text()
            time.sleep(0.02)

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Send the signal, and return when the process is gone."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Pool:
    """Shards, and the membership file that names those which belong to it."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.file = folder / "pool.toml"
        self.shards: dict[str, Process] = {}
        self._folder = folder
        self._env = env
        self._version = 0
        self.names: Sequence[str] = ()

    def add(self, name: str) -> Process:
        """A shard's process, not yet started, not yet a member."""
        command = ("ratelimiter", "--shard", name, "--membership", str(self.file))
        shard = self.shards[name] = Process(name, self._env, self._folder / f"shard-{name}", *command)
        return shard

    def name(self, names: Sequence[str]) -> None:
        """These are the members from now on."""
        self._version += 1
        self.names = tuple(names)
        entries = "".join(f'[[shards]]\nname = "{n}"\naddress = "{self.shards[n].address}"\n' for n in names)
        beside = self.file.with_suffix(".new")
        beside.write_text(f"version = {self._version}\nskew_ms = {SKEW_MS}\n{entries}")
        beside.replace(self.file)

    def end(self) -> None:
        for shard in self.shards.values():
            shard.end()
