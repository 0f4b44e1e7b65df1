"""Statements: a page's claims about one fact, the source of each, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from selectolax.lexbor import LexborNode

T = TypeVar("T")

_COMPARED = 500  # characters of the text


class Statement(NamedTuple):
    """A property with its values as read, and the element that it stands in (None: in none that was parsed)."""

    syntax: str
    property: str
    values: list[Any]
    element: LexborNode | None


class Choice(NamedTuple):
    """The result for a statement of a field; `lost` "" = it won."""

    field: str
    statement: Statement
    lost: str


@dataclass(frozen=True, slots=True)
class Chooser:
    """Takes the first valid statement; on request it examines the others too and records why they lost."""

    choices: list[Choice] | None = None

    def choose(self, field: str, statements: Iterable[Statement], convert: Callable[[list[Any]], T], nothing: T) -> T:
        """The converted value of the first of `statements` (best first) that has one, else `nothing`."""
        winner: Statement | None = None
        seen: set[str] = set()
        won = nothing
        for statement in statements:
            if self.choices is not None:
                if (said := _said(statement)) in seen:
                    continue
                seen.add(said)
            value = convert(statement.values) if winner is None or self.choices is not None else nothing
            if winner is None and value:
                winner, won = statement, value
                if self.choices is None:
                    break
                self.choices.append(Choice(field, statement, ""))
            elif self.choices is not None:
                self.choices.append(Choice(field, statement, _why(value, won, winner)))
        return won


def _said(statement: Statement) -> str:
    """A text that distinguishes it from others: one source may be asked twice."""
    values = [value if isinstance(value, str) else id(value) for value in statement.values[:10]]
    return f"{statement.syntax} {statement.property} {values}"[:_COMPARED]


def _why(value: object, won: object, winner: Statement | None) -> str:
    if not value:
        return "makes no sense as this"
    assert winner is not None
    if value == won:
        return f"says the same as {winner.syntax} {winner.property}"
    return f"{winner.syntax} {winner.property} comes first"


SILENT = Chooser()
"""Decides, and records nothing."""
