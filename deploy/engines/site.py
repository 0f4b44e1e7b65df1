"""One engine's directory: its ports, processes, logs and data. This state outlives our process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from deploy.engines import ports
from deploy.engines.errors import EngineError
from deploy.engines.processes import Process, spawn

_TEMPLATES = Path(__file__).parent
_LOG_TAIL_BYTES = 4_000


class Site:
    """A directory that belongs to one engine.

    `ports.json` stays as long as the data, so that a restarted engine keeps its ports;
    `processes.json` lists the running processes; `lock` prevents two commands from starting the same engine at once.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory for a change of state; others wait."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def port(self, role: str) -> int:
        """Return the port allotted to a role; EngineError if the engine was never started."""
        allotted: dict[str, int] = self.read("ports.json")
        if role not in allotted:
            raise EngineError(f"{self.directory.name} was never started: run `make engines`")
        return allotted[role]

    def allot_ports(self, roles: Iterable[str]) -> None:
        """Give every role a free port, once; later starts keep it. EngineError if another program has taken it."""
        allotted: dict[str, int] = self.read("ports.json")
        for role in roles:
            if role not in allotted:
                allotted[role] = ports.free_port()
            elif not ports.is_free(allotted[role]):
                raise EngineError(
                    f"port {allotted[role]}, kept for {self.directory.name}, is taken by another program: end it, "
                    f"or give the engine up with `python -m deploy.engines stop --wipe {self.directory.name}`"
                )
        self.write("ports.json", allotted)

    def spawn(self, role: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> Process:
        """Start one of the engine's programs and remember it; its output goes to `ROLE.out`."""
        process = spawn(argv, self.directory, self.path(f"{role}.out"), env or {})
        kept: dict[str, tuple[int, int]] = self.read("processes.json")
        self.write("processes.json", {**kept, role: (process.pid, process.started)})
        return process

    def processes(self) -> dict[str, Process]:
        """Return every program that was started and not deliberately ended, dead ones included, by role."""
        kept: dict[str, tuple[int, int]] = self.read("processes.json")
        return {role: Process(pid, started) for role, (pid, started) in kept.items()}

    def forget_processes(self) -> None:
        """Note that the engine was ended on purpose."""
        self.write("processes.json", {})

    def path(self, *parts: str) -> Path:
        """Return a path inside the directory, its parent made."""
        path = self.directory.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def render(self, template: str, target: str, **values: object) -> Path:
        """Fill a template that lies beside this module (`$name`, see string.Template) and write it."""
        text = Template((_TEMPLATES / template).read_text()).substitute(
            {"directory": self.directory, "host": ports.LOOPBACK, **values}
        )
        path = self.path(target)
        path.write_text(text)
        return path

    def wipe(self, *names: str) -> None:
        """Remove the named entries, or all."""
        for name in names:
            shutil.rmtree(self.directory / name, ignore_errors=True)
        if not names:
            shutil.rmtree(self.directory, ignore_errors=True)

    def log_tail(self) -> str:
        """Return the last lines that each program printed."""
        parts = []
        for log in sorted(self.directory.glob("*.out")):
            tail = log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
            parts.append(f"--- {log}\n{tail}")
        return "\n".join(parts)

    def read(self, name: str) -> Any:  # JSON; the callers know what they wrote
        """Return the value that `write` wrote under this name; an empty dict if there is none."""
        try:
            return json.loads((self.directory / name).read_text())
        except FileNotFoundError:
            return {}

    def write(self, name: str, value: object) -> None:
        """Replace the file in one step: a reader sees the old state or the new one, never a mixture."""
        draft = self.path(f"{name}.new")
        draft.write_text(json.dumps(value))
        draft.replace(self.directory / name)
