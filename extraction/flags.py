"""Flags: the bounds and repairs of a record, in the order in which they happened, each once."""

from __future__ import annotations


class Flags:
    """An ordered set of names."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._names = dict.fromkeys(names)

    def add(self, name: str) -> None:
        """Add `name`; a second time changes nothing."""
        self._names[name] = None

    def as_tuple(self) -> tuple[str, ...]:
        """The names, first met first."""
        return tuple(self._names)
