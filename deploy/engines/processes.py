"""Processes that we started, recognised by pid and start time, so that no other program is ever ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Process:
    """A process group leader: its pid, and its start time in clock ticks since boot (proc(5), stat field 22)."""

    pid: int
    started: int

    def state(self) -> str | None:
        """Return the one-letter state of proc(5): `T` is paused. None if it ended or the pid is another's now."""
        fields = _stat(self.pid)
        if fields is None or int(fields[19]) != self.started:
            return None
        # A killed program whose main thread is a zombie may still have threads that hold its port and memory.
        if fields[0] not in "ZX" or int(fields[17]) > 1:
            return fields[0]
        _reap(self.pid)  # after the first look, not before: otherwise one that ended between the two would be missed
        return None

    @property
    def alive(self) -> bool:
        """True if it still runs, paused or not."""
        return self.state() is not None

    def send(self, signum: signal.Signals) -> None:
        """Send a signal to it and its children; nothing happens if it has ended."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signum)

    def wait(self, timeout_ms: int) -> bool:
        """Wait for its end; False if it still runs after `timeout_ms`."""
        return _until(lambda: not self.alive, timeout_ms)

    def wait_paused(self, timeout_ms: int) -> bool:
        """Wait until every thread of it is stopped, some time after SIGSTOP; False if one still isn't."""
        return _until(lambda: all(letter in "TZX" for letter in _thread_states(self.pid)), timeout_ms)

    def rss_kib(self) -> int:
        """Resident memory in KiB; 0 once it has ended."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0


def spawn(argv: Sequence[str], directory: Path, log: Path, env: Mapping[str, str]) -> Process:
    """Start a program in a session of its own, its output appended to `log`. It outlives us."""
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603  # our own command lines, no shell
            argv,
            cwd=directory,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    child.returncode = 0  # we wait by pid; keeps Popen's destructor from warning about a running child
    return recognise(child.pid)


def recognise(pid: int) -> Process:
    """Return the process that has this pid now."""
    fields = _stat(pid)
    return Process(pid, int(fields[19]) if fields else -1)


def _until(condition: Callable[[], bool], timeout_ms: int) -> bool:
    deadline = time.monotonic() + timeout_ms / 1000
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the command name: state first, start time at index 19."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _thread_states(pid: int) -> list[str]:
    """Return each thread's letter; those that end meanwhile are left out."""
    states = []
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            states.append(task.read_text().rpartition(")")[2].split()[0])
    return states


def _reap(pid: int) -> None:
    """Collect an ended child of ours. Where it isn't our child (any more), init does that."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
