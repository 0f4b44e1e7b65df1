"""The store's statements, each in a file of its own, by name."""

from __future__ import annotations

from importlib.resources import files


def statement(name: str) -> str:
    """The text of the statement file `name`, such as `write_row.sql`."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
