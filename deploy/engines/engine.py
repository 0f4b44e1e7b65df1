"""One engine that can be started, stopped, killed, paused: the same code for all, with a recipe for each."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from deploy.engines import ports, programs
from deploy.engines.errors import EngineError, EngineFailed
from deploy.engines.site import Site

_STOP_MS = 30_000
_PAUSE_MS = 10_000
_POLL_S = 0.05


class EngineState(Enum):
    """The state of an engine's processes; `Engine.answers` is another question."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    BROKEN = "broken"  # some or all of its processes have died unasked


class Recipe(Protocol):
    """The differences between engines: their needs, their start, their probe."""

    @property
    def ports(self) -> tuple[str, ...]:
        """Name the loopback ports it listens on; the first one is the clients'."""

    @property
    def packages(self) -> Mapping[str, str]:
        """Name the programs it needs, and the Debian package of each."""

    def url(self, port: int) -> str:
        """Return the connection URL of a client, without any path that names a keyspace or a bucket."""

    def prepare(self, site: Site) -> None:
        """Fetch files: once for each machine, without a time limit."""

    def launch(self, site: Site) -> None:
        """Write the configuration and spawn the processes, on the existing data."""

    def answers(self, port: int) -> bool:
        """True if it serves requests now, by its own protocol. Ends within about a second."""


class Engine:
    """A real engine in its own directory, on a loopback port that it keeps.

    Its processes outlive the program that started them. `start`, `stop`, `kill` and `restart` hold the
    directory's lock; every method blocks (asynchronous tests call them through `asyncio.to_thread`).
    """

    def __init__(self, name: str, recipe: Recipe, site: Site) -> None:
        self.name = name
        self.site = site
        self._recipe = recipe

    @property
    def host(self) -> str:
        """Return the address it listens on: always loopback."""
        return ports.LOOPBACK

    @property
    def port(self) -> int:
        """Return the clients' port; EngineError if it was never started."""
        return self.site.port(self._recipe.ports[0])

    @property
    def url(self) -> str:
        """Return the connection URL, such as `cassandra://127.0.0.1:20123`."""
        return self._recipe.url(self.port)

    @property
    def state(self) -> EngineState:
        """Look at its processes."""
        letters = [process.state() for process in self.site.processes().values()]
        if not letters:
            return EngineState.STOPPED
        if None in letters:
            return EngineState.BROKEN
        return EngineState.PAUSED if "T" in letters else EngineState.RUNNING

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the pids of its living processes."""
        return tuple(process.pid for process in self.site.processes().values() if process.alive)

    def answers(self) -> bool:
        """True if it serves requests now."""
        return self._recipe.answers(self.port)

    def rss_kib(self) -> int:
        """Return the resident memory of all its processes, in KiB."""
        return sum(process.rss_kib() for process in self.site.processes().values() if process.alive)

    def start(self, timeout_ms: int = 120_000) -> bool:
        """Start it and wait until it answers; False if it was running already. A paused one is resumed."""
        with self.site.lock():
            if self.state in (EngineState.RUNNING, EngineState.PAUSED):
                self.resume()
                self.wait_ready(timeout_ms)
                return False
            self._end(signal.SIGKILL)
            programs.require(self.name, self._recipe.packages)
            self._recipe.prepare(self.site)
            self.site.allot_ports(self._recipe.ports)
            try:
                self._recipe.launch(self.site)
                self.wait_ready(timeout_ms)
            except BaseException:
                self._end(signal.SIGKILL)
                raise
            return True

    def stop(self) -> None:
        """End it as an operator does (SIGTERM), its data kept. One that won't end in 30 s is killed."""
        with self.site.lock():
            self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End all its processes at once with SIGKILL, its data kept as they are then."""
        with self.site.lock():
            self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop all its processes (SIGSTOP): connections stay open, and nothing is answered.

        On return every thread is stopped. EngineError if one isn't within 10 s.
        """
        processes = self.site.processes().values()
        for process in processes:
            process.send(signal.SIGSTOP)
        for process in processes:
            if not process.wait_paused(_PAUSE_MS):
                raise EngineError(f"{self.name} (pid {process.pid}) can't be paused: the kernel doesn't stop it")

    def resume(self) -> None:
        """Let paused processes continue (SIGCONT)."""
        for process in self.site.processes().values():
            process.send(signal.SIGCONT)

    def restart(self) -> None:
        """Stop it and start it again, on the same port and the same data."""
        self.stop()
        self.start()

    def wait_ready(self, timeout_ms: int = 120_000) -> None:
        """Wait until it answers; EngineFailed, with its last log lines, if it dies or takes too long."""
        deadline = time.monotonic() + timeout_ms / 1000
        while not self.answers():
            if self.state is EngineState.BROKEN:
                raise EngineFailed(f"{self.name} died while it started:\n{self.site.log_tail()}")
            if time.monotonic() > deadline:
                raise EngineFailed(
                    f"{self.name} did not answer on port {self.port} within {timeout_ms} ms:\n{self.site.log_tail()}"
                )
            time.sleep(_POLL_S)

    def wipe(self) -> None:
        """End it and remove its directory: data, ports, logs."""
        with self.site.lock():
            self._end(signal.SIGKILL)
            self.site.wipe()

    def _end(self, signum: signal.Signals) -> None:
        """End the processes, those started last first, and wait until every one is gone."""
        for role, process in reversed(self.site.processes().items()):
            process.send(signal.SIGCONT if signum is signal.SIGTERM else signum)
            process.send(signum)
            if not process.wait(_STOP_MS):
                process.send(signal.SIGKILL)
                if not process.wait(_STOP_MS):
                    raise EngineError(f"{role} of {self.name} (pid {process.pid}) does not end, not even by SIGKILL")
        self.site.forget_processes()
