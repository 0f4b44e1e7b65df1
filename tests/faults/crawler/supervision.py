"""The supervision that compose does, in a test: our processes run, and a dead one is started again."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from deploy.engines.ports import free_port
from tests.support.processes import stop

SERVICES = ("ratelimiter", "urlstore", "pinlater", "fetcher")
_PAUSE_S = 0.3
#: With it the crawl command drops the queue of a crawl that is over.
_PASSWORD = "torture"


def addresses() -> dict[str, str]:
    """Settings under which our services find one another: a port each that stays theirs while they are dead."""
    hashed = sha256(_PASSWORD.encode()).hexdigest()
    found = {"ARAGOG_PINLATER_ADMIN_HASH": hashed, "ARAGOG_PINLATER_ADMIN_PASSWORD": _PASSWORD}
    for name in SERVICES:
        address = f"127.0.0.1:{free_port()}"
        found |= {f"ARAGOG_{name.upper()}_LISTEN": address, f"ARAGOG_{name.upper()}_SERVICE": address}
    return found


class Supervisor:
    """Starts commands of ours, and starts them again when they end."""

    def __init__(self, env: Mapping[str, str], logs: Path) -> None:
        self._env = dict(env)
        self._logs = logs
        self._commands: dict[str, tuple[str, ...]] = {}
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.restarts = 0

    def add(self, name: str, *arguments: str) -> None:
        """Run `aragog ARGUMENTS...` from now on; returns once it has said that it is ready."""
        self._commands[name] = arguments
        with self._lock:
            self._start(name)
        deadline = time.monotonic() + 60
        while " ready" not in self.log(name):
            assert time.monotonic() < deadline, f"{name} isn't ready: {self.log(name)[-2000:]}"
            time.sleep(0.05)

    def wait_until_up(self) -> None:
        """Return once every service accepts connections: one may just have been killed."""
        for name in SERVICES:
            host, _, port = self._env[f"ARAGOG_{name.upper()}_LISTEN"].partition(":")
            deadline = time.monotonic() + 60
            while not _accepts(host, int(port)):
                assert time.monotonic() < deadline, f"{name} isn't up: {self.log(name)[-2000:]}"
                time.sleep(0.05)

    def pid(self, name: str) -> int:
        """The pid of the process that runs at present."""
        return self._running[name].pid

    def kill(self, name: str) -> int:
        """SIGKILL; the pid that it had."""
        with self._lock:
            process = self._running[name]
            process.kill()
            process.wait()
            return process.pid

    def log(self, name: str) -> str:
        """All that the command has written, in all its lives."""
        path = self._logs / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _start(self, name: str) -> None:
        log: IO[str]
        with (self._logs / f"{name}.log").open("a") as log:
            command = [sys.executable, "-m", "aragog", *self._commands[name]]
            self._running[name] = subprocess.Popen(
                command, env=self._env, stdout=log, stderr=log, text=True, start_new_session=True
            )

    def _look_after(self) -> None:
        while not self._over.wait(_PAUSE_S):
            with self._lock:
                for name, process in self._running.items():
                    if process.poll() is not None and not self._over.is_set():
                        self.restarts += 1
                        self._start(name)

    @contextmanager
    def supervising(self) -> Iterator[None]:
        """Look after them until the end of the block; then all are stopped."""
        thread = threading.Thread(target=self._look_after, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
            for process in reversed(self._running.values()):
                stop(process)


def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), 1):
            return True
    except OSError:
        return False


@contextmanager
def supervised(env: Mapping[str, str], logs: Path, workers: int) -> Iterator[Supervisor]:
    """Our four services and some workers under supervision."""
    logs.mkdir()
    supervisor = Supervisor(env, logs)
    with supervisor.supervising():
        for name in SERVICES:
            supervisor.add(name, "serve", name)
        for number in range(workers):
            supervisor.add(f"worker-{number}", "worker")
        yield supervisor
