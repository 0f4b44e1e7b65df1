"""SIGTERM and Ctrl-C: they ask work to stop, and they break off a start that still waits for something."""

from __future__ import annotations

import asyncio
import signal


class Stopping:
    """Listens to both signals from its creation on, in a running event loop."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self._starting: asyncio.Task[object] | None = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)

    def started(self) -> None:
        """From now on the running work obeys `stop` and drains; until now the signal cancels the calling task."""
        self._starting = None

    @property
    def broken_off(self) -> bool:
        """True if the signal came before the start had ended."""
        return self.stop.is_set() and self._starting is not None

    def _stop(self) -> None:
        self.stop.set()
        if self._starting is not None:
            self._starting.cancel()
