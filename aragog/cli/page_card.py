"""The output of `aragog extract` for one page: its card, and the source of each field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aragog.cli.console import Terminal, plain

_SHOWN = 12  # entries of a list
_SPEAKING = frozenset(("content", "text", "language", "media_type"))  # things whose values are enough

Record = Mapping[str, Any]


def rendered(record: Record, with_evidence: bool) -> bytes:
    """A frame with the card, the kind, preferences; and the table of evidence."""
    console = Terminal()
    shown: list[Any] = [Panel(_grid(_rows(record)), title=_heading(record), title_align="left", expand=False)]
    if with_evidence:
        shown.append(_evidence(record.get("evidence", ())))
    with console.capture() as captured:
        console.print(Group(*shown))
    return captured.get().encode("utf-8", "replace")


def _heading(record: Record) -> Text:
    typed = record.get("typed") or {}
    return plain(f"{typed.get('kind', 'other')}, confidence {typed.get('confidence', 0.0):.2f}")


def _grid(rows: Iterator[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        if value:
            table.add_row(name, plain(value))
    return table


def _rows(record: Record) -> Iterator[tuple[str, str]]:
    card = record.get("card") or {"title": record["title"]}
    for name, value in card.items():
        yield name.replace("_", " "), _text(value)
    typed = record.get("typed") or {}
    kinds = [name for name, value in typed.items() if isinstance(value, Mapping)]
    for kind in sorted(kinds, key=lambda name: name != typed["kind"]):
        for name, value in typed[kind].items():
            if not _is_said(card, name, value):
                yield f"{kind} {name.replace('_', ' ')}", _text(value)
    for agent in record["agents"]:
        asked = [_asked(name, value) for name, value in agent.items() if name != "agent" and value]
        yield f"asks {agent['agent'] or 'all'}", ", ".join(asked)
    yield "images", _counted(record["images"])
    yield "outlinks", _counted(record["outlinks"])
    yield "flags", ", ".join(record["flags"])


def _is_said(card: Record, name: str, value: Any) -> bool:
    """True if the card shows it already."""
    return bool(value == card.get({"name": "title"}.get(name, name)))


def _asked(name: str, value: Any) -> str:
    return name if value is True else f"{name}={value}"


def _counted(found: Sequence[Any]) -> str:
    return str(len(found)) if found else ""


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and not _SPEAKING.isdisjoint(value):
        return " ".join(map(str, filter(None, value.values())))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(inner)}" for name, inner in value.items() if inner)
    if isinstance(value, list):
        more = [f"... and {len(value) - _SHOWN} more"] if len(value) > _SHOWN else []
        return "\n".join([*map(_text, value[:_SHOWN]), *more])
    return str(value) if value else ""


def _evidence(evidence: Sequence[Record]) -> Table:
    table = Table(show_edge=False)
    for heading in ("field", "from", "where", "value", "verdict"):
        table.add_column(heading, overflow="fold")
    for each in evidence:
        verdict = plain(each["lost"]) if each["lost"] else Text("won", style="green")
        source = plain(f"{each['syntax']} {each['name']}")
        table.add_row(plain(each["field"]), source, plain(_where(each)), plain(each["value"]), verdict)
    return table


def _where(each: Record) -> str:
    if not each["element"]:
        return ""
    at = f" at byte {each['offset']:,}" if each["offset"] >= 0 else ""
    return f"<{each['element']}> {each['ordinal']}{at}"
