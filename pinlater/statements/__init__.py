"""The SQLite backend's statements, each in a file of its own, by name."""

from __future__ import annotations

from importlib.resources import files


def statement(name: str) -> str:
    """The text of the statement file `name`.sql."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
