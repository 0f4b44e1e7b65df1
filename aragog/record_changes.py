"""The differences between two records of one page, field by field. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.records import to_json

EXAMPLES = 3
_SHOWN = 300  # characters of a value in an example
_UNCOUNTED = frozenset(("extractor_version",))


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs; values as compact JSON, cut to a readable length."""

    field: str
    before: str
    after: str


@dataclass(slots=True)
class ChangeReport:
    """The findings and writes of a rerun of the extractor."""

    looked_at: int = 0
    """Pages read again."""
    unchanged: int = 0
    changed: int = 0
    """Pages with another record: written, unless it is a dry run."""
    to_publish: int = 0
    """Of the changed pages, those whose record hash differs: jobs for signals and inlinks."""
    without_content: int = 0
    """Pages whose content isn't kept (noarchive), or is lost."""
    failed: int = 0
    """Pages that were too much for the extractor: their record stays."""
    moved_on: int = 0
    """Pages that were fetched again meanwhile."""
    broken: int = 0
    """Pages that failed by an error of ours, or whose rows are damaged: their record stays."""
    broken_examples: dict[str, str] = field(default_factory=dict)
    """URL -> error, of the first of them."""
    fields: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def add_broken(self, url: str, why: str) -> None:
        """Count a page that couldn't be read again, and keep the first ones as examples."""
        self.broken += 1
        if len(self.broken_examples) < EXAMPLES:
            self.broken_examples[url] = why

    def add(self, url: str, changes: list[Change]) -> None:
        """Count a changed page and its changes, and keep the first of each field as examples."""
        self.changed += 1
        for change in changes:
            self.fields[change.field] = self.fields.get(change.field, 0) + 1
            known = self.examples.setdefault(change.field, [])
            if len(known) < EXAMPLES:
                known.append({"url": url, "before": change.before, "after": change.after})


def changes(before: PageRecord, after: PageRecord) -> list[Change]:
    """The fields that differ, those of nested structs by name with a dot."""
    found = dict(_flat(to_json(after)))
    known = dict(_flat(to_json(before)))
    return [
        Change(name, _shown(known.get(name)), _shown(found.get(name)))
        for name in dict.fromkeys((*known, *found))
        if name not in _UNCOUNTED and known.get(name) != found.get(name)
    ]


def _flat(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, dict):
            yield from ((f"{name}.{inner}", each) for inner, each in item.items())
        else:
            yield name, item


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
