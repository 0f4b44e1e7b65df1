"""The order of tests over the workers of pytest-xdist: module by module, tests that need the machine alone last.

A module goes to the next free worker, the levels with long tests first, so that short ones fill the end. Tests of the
shared
Cassandra are one group: two schemas changed at once wait for each other until a client gives up. Tests marked `alone`
(they measure time, load or memory) are given to one worker once the others have ended.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer
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


class AloneLast(LoadScopeScheduling):
    """Gives out groups in the order of the tests; the group `alone` when every other worker has ended.

    A worker runs its last test only when it knows what comes after it, or that nothing does. So one worker is kept,
    with a test in hand perhaps, and the others are told that nothing comes; when they are done it gets the rest.
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self._groups: dict[str, str] = {}

    def schedule(self) -> None:
        """As xdist, once the groups are read that the workers have written."""
        for node in self.nodes:
            file = Path(node.workerinput["groups"])
            if file.exists():
                self._groups |= json.loads(file.read_text() or "{}")
                file.unlink()
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self._groups[nodeid]

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """As xdist; then look whether the kept worker may have the rest."""
        super().mark_test_complete(node, item_index, duration)
        self._look_again()

    def remove_node(self, node: WorkerController) -> str | None:
        """As xdist; then look whether the kept worker may have the rest."""
        crashed = super().remove_node(node)
        self._look_again()
        return crashed

    def _look_again(self) -> None:
        if self._alone_is_left():
            for node in self.nodes:
                self._reschedule(node)

    def _reschedule(self, node: WorkerController) -> None:
        if self._alone_is_left() and node is not self._kept():
            node.shutdown()
        else:
            super()._reschedule(node)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if ALONE in self.workqueue:
            self.workqueue.move_to_end(ALONE)  # a worker that crashed gave its tests back behind it
        if not self._alone_is_left() or not self._busy(other for other in self.nodes if other is not node):
            super()._assign_work_unit(node)

    def _alone_is_left(self) -> bool:
        return list(self.workqueue) == [ALONE]

    def _kept(self) -> WorkerController | None:
        return next((node for node in self.nodes if not node.shutting_down), None)

    def _busy(self, nodes: Iterable[WorkerController]) -> bool:
        return any(self._pending_of(self.assigned_work[node]) for node in nodes)
