"""The progress of a run over the whole store, on standard error."""

from __future__ import annotations

from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from aragog.cli.console import Terminal


class StoreBar:
    """A store doesn't count its rows: if its order is that of the keys, which are hashes, a key shows the progress."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=Terminal(stderr=True))
        self._task = self._bar.add_task("rows", total=None)
        self._last = b""
        self._sorted = True

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, after: bytes, rows: int, described: str) -> None:
        """`rows` are done, the last one under the key `after`; empty = all are."""
        self._sorted = self._sorted and (after > self._last or not after)
        self._last = after
        self._bar.update(self._task, description=f"{described}; rows", completed=rows, total=self._total(after, rows))

    def _total(self, after: bytes, rows: int) -> int | None:
        if not after:
            return rows
        share = int.from_bytes(after[:8]) / 2**64
        return max(rows, round(rows / share)) if self._sorted and share else None
