"""Versioned, repeatable migrations: numbered scripts of a package, `0001_what_it_does.sql` or `.cql`.

A store keeps, for every component, the number of the last script that ran completely. Released scripts are never
changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

from thrift_idl.errors import StoreTooNew


@dataclass(frozen=True, slots=True)
class Migrations:
    """The scripts of one component (`urlstore`, `jobs`, ...), the first being version 1."""

    component: str
    scripts: tuple[str, ...]

    @property
    def version(self) -> int:
        """The schema version that this code knows."""
        return len(self.scripts)

    def missing(self, stored: int, store: str) -> tuple[tuple[int, str], ...]:
        """(version, script) of those that a store at version `stored` lacks. Raises `StoreTooNew`."""
        if stored > self.version:
            raise StoreTooNew(
                f"{store} has schema {stored} of {self.component}, this Aragog knows {self.version}:"
                " upgrade Aragog, or name another store",
                component=self.component,
                stored=str(stored),
                known=str(self.version),
            )
        return tuple((number, self.scripts[number - 1]) for number in range(stored + 1, self.version + 1))


def load(component: str, package: str, suffix: str) -> Migrations:
    """The scripts `NNNN_*.suffix` of `package`, in order. Raises ValueError if the numbers aren't 1, 2, 3, ..."""
    name = re.compile(rf"(\d{{4}})_\w+\.{re.escape(suffix)}")
    found = sorted((match[1], path) for path in files(package).iterdir() if (match := name.fullmatch(path.name)))
    if [int(number) for number, _ in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"the migrations of {package} aren't numbered 0001, 0002, ...: {[n for n, _ in found]}")
    return Migrations(component, tuple(path.read_text(encoding="utf-8") for _, path in found))


def statements(script: str) -> tuple[str, ...]:
    """The statements of a script: each ends in a semicolon at the end of a line; `--` lines are comments."""
    lines = (line for line in script.splitlines() if not line.lstrip().startswith("--"))
    parts = re.split(r";[ \t]*$", "\n".join(lines), flags=re.MULTILINE)
    return tuple(part.strip() for part in parts if part.strip())
