"""The evidence for a record: every statement of the page that a field could have come from, with its place.

Made on demand, in the pass that makes the record: it is as large as the record.
Lexbor gives no source positions: an element is named by its ordinal among those of its name in the parsed document, and
its offset looked up in the source, where the start tags of that name are counted and the attributes compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from selectolax.lexbor import LexborNode

from extraction.child_request import arguments
from extraction.page import extract
from extraction.statements import Choice, Chooser
from extraction.tags import Tag, tags
from extraction.values.plain import plain
from thrift_idl.gen.page.ttypes import Evidence, PageRecord
from thrift_idl.records import to_json

FUNCTION = "extraction.evidence:run"

_MOST = 1_000
_VALUE = 160  # characters of a value that are shown
_MARK = b"\xef\xbb\xbf"


def explain(content: bytes, url: str, **more: Any) -> tuple[PageRecord, tuple[Evidence, ...]]:
    """The record, and the evidence of its card and typed fields; takes the arguments of `extract`."""
    chooser = Chooser([])
    record = extract(content, url, chooser=chooser, **more)
    return record, tuple(_evidence(chooser.choices or (), content))


def run(asked: bytes) -> bytes:
    """Like `extraction.child_call.run`, for a child process; returns the record as JSON, with `evidence`."""
    content, fields = arguments(asked)
    record, evidence = explain(content, **fields)
    return orjson.dumps({**to_json(record), "evidence": to_json(evidence)})


class _Position(NamedTuple):
    element: str
    ordinal: int
    offset: int


_NOWHERE = _Position("", 0, -1)


def _evidence(choices: Iterable[Choice], content: bytes) -> Iterable[Evidence]:
    chosen = list(choices)[:_MOST]
    first = next((each.statement.element for each in chosen if each.statement.element is not None), None)
    positions = None if first is None else _Positions(first, content)
    for field, statement, lost in chosen:
        there = positions.of(statement.element) if positions and statement.element is not None else _NOWHERE
        values = " | ".join(map(_shown, statement.values[:5]))[:_VALUE]
        yield Evidence(field, statement.syntax, statement.property, values, *there, lost)


def _shown(value: Any) -> str:
    if not isinstance(value, Mapping):
        return plain(value, _VALUE)
    try:
        return plain(orjson.dumps(value).decode(), _VALUE)
    except TypeError:  # nested too deep, or in a loop
        return "{...}"


class _Positions:
    """Places of the elements of one document."""

    def __init__(self, any_element: LexborNode, content: bytes) -> None:
        self._parser = any_element.parser
        self._source: str = self._parser.raw_html.decode("utf-8", "replace")
        self._is_as_served = content.removeprefix(_MARK).startswith(self._parser.raw_html)
        self._shift = len(_MARK) if content.startswith(_MARK) else 0
        self._ordinals: dict[str, dict[int, int]] = {}
        self._tags: dict[str, list[Tag]] | None = None

    def of(self, element: LexborNode) -> _Position:
        name = element.tag or ""
        if name not in self._ordinals:
            nodes = self._parser.css(name)
            self._ordinals[name] = {node.mem_id: ordinal for ordinal, node in enumerate(nodes, 1)}
        ordinal = self._ordinals[name].get(element.mem_id, 0)
        return _Position(name, ordinal, self._offset(name, ordinal, element)) if ordinal else _NOWHERE

    def _offset(self, name: str, ordinal: int, element: LexborNode) -> int:
        """The offset in the content's bytes; unknown if it isn't UTF-8, or the tag isn't at its expected place."""
        if not self._is_as_served:
            return -1
        start_tags = self._start_tags(name)
        wanted = {key: value or "" for key, value in element.attributes.items()}
        for tag in (*start_tags[ordinal - 1 : ordinal], *start_tags[:_MOST]):
            if tag.attributes() == wanted:
                return self._shift + len(self._source[: tag.start].encode("utf-8", "replace"))
        return -1

    def _start_tags(self, name: str) -> list[Tag]:
        if self._tags is None:
            self._tags = {}
            for tag in tags(self._source):
                if not tag.is_end:
                    self._tags.setdefault(tag.name, []).append(tag)
        return self._tags.get(name, [])
