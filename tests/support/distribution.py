"""The order of tests over the workers of pytest-xdist: module by module, tests that need the machine alone last.

A module goes to the next free worker, the levels with long tests first, so that short ones fill the end. Tests of the
shared Cassandra are one group: two schemas changed at once wait for each other until a client gives up. Tests marked
`alone` (they measure time, load or memory) go to one worker when the others have ended.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

ALONE = "alone"
CASSANDRA = "cassandra"
#: Levels in the order in which they start: those with long tests first.
LEVELS = ("acceptance", "formats", "faults", "integration", "contract", "conformance", "property", "unit", "rules")


def told(node: WorkerController) -> None:
    """Tell a worker where to write the groups of its tests (xdist 3.8 can't read them from names since pytest 9.1)."""
    descriptor, path = tempfile.mkstemp(prefix="aragog-test-groups-")
    os.close(descriptor)
    node.workerinput["groups"] = path


def grouped(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker: sort its tests by level, and write down which group each belongs to."""
    if not isinstance(config, _Worker):
        return
    items.sort(key=_rank)
    Path(config.workerinput["groups"]).write_text(json.dumps({item.nodeid: _group(item) for item in items}))


def _group(item: pytest.Item) -> str:
    if item.get_closest_marker(ALONE):
        return ALONE
    return CASSANDRA if item.get_closest_marker(CASSANDRA) else item.nodeid.split("::", 1)[0]


def _rank(item: pytest.Item) -> tuple[bool, bool, int]:
    group = _group(item)
    return group == ALONE, group != CASSANDRA, LEVELS.index(item.nodeid.split("/")[1])  # tests/LEVEL/...


@runtime_checkable
class _Worker(Protocol):
    """The configuration of a worker, not of the process that hands out tests."""

    workerinput: dict[str, Any]
