"""The scheduler of test runs on several workers: groups in order, `alone` when every other worker has ended."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.distribution import ALONE

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController


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
