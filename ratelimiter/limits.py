"""The limits in force: the default and the override file's, re-read while we run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from drivers.text_file import Stamp, file_stamp, read_text
from ratelimiter.overrides import DEFAULT_QPS, Limit, Overrides, limit_of_qps, parse
from ratelimiter.telemetry import SILENT, LimiterTelemetry
from runtime.clock import wall_ms
from thrift_idl.errors import BadConfiguration

_LOOK_EVERY_MS: Final = 1_000
MAX_FILE_BYTES: Final = 16 * 1024 * 1024


class LimitsSource(Protocol):
    """The service's source of limits."""

    in_force: Overrides
    """The limits in force until `due_ms`; after that, ask for the current ones."""
    due_ms: float

    async def current(self, now_ms: float) -> Overrides:
        """The limits in force; the same object until they change."""
        ...

    @property
    def complaint(self) -> str:
        """The reason why the present override file is not in force; "" = it is."""
        ...


class LimitsInForce:
    """A default limit and an optional override file, checked once a second by the first caller.

    A changed file is applied whole. A bad or missing one is reported to the telemetry, and the last good one stays.
    """

    def __init__(
        self,
        default: Limit,
        path: Path | None = None,
        telemetry: LimiterTelemetry = SILENT,
        wall: Callable[[], float] = wall_ms,
    ) -> None:
        self._path = path
        self._telemetry = telemetry
        self._wall_ms = wall
        self._written = self.in_force = Overrides(default)
        self._expiries: list[float] = []
        self._stamp: Stamp | None = None
        self.due_ms = float("-inf") if path else float("inf")
        self.complaint = ""

    @classmethod
    async def open(
        cls,
        path: Path | None = None,
        default_qps: float = DEFAULT_QPS,
        telemetry: LimiterTelemetry = SILENT,
        wall: Callable[[], float] = wall_ms,
    ) -> LimitsInForce:
        """Limits with their file read. Raises `BadConfiguration` naming file, line and reason."""
        limits = cls(limit_of_qps(default_qps), path, telemetry, wall)
        if path:
            limits._stamp = await asyncio.to_thread(file_stamp, path)
            limits._apply(await asyncio.to_thread(read_overrides, path, limits.in_force.default))
            telemetry.limits_loaded(str(path), len(limits.in_force))
        return limits

    async def current(self, now_ms: float) -> Overrides:
        """The limits in force."""
        if now_ms >= self.due_ms:
            self.due_ms = now_ms + _LOOK_EVERY_MS
            await self._look()
        return self.in_force

    async def _look(self) -> None:
        path = self._path
        assert path is not None
        stamp = None
        try:
            stamp = await asyncio.to_thread(file_stamp, path)
            if stamp != self._stamp:
                self._stamp = stamp  # also of a bad file: it is read again after a change
                self._apply(await asyncio.to_thread(read_overrides, path, self.in_force.default))
                self._telemetry.limits_loaded(str(path), len(self.in_force))
                self.complaint = ""
        except BadConfiguration as error:
            if error.message != self.complaint:
                self._telemetry.limits_refused(str(path), error.message)
            self.complaint, self._stamp = error.message, stamp
        self._expire()

    def _apply(self, written: Overrides) -> None:
        self._written = written
        self._expiries = [limit.expires_ms for limit in written.all() if limit.expires_ms is not None]
        self.in_force = written.without_expired(self._wall_ms())

    def _expire(self) -> None:
        """Drop overrides that have expired since, restore those that haven't if the wall clock was set back."""
        now = self._wall_ms()
        expected = len(self._written) - sum(expiry <= now for expiry in self._expiries)
        if expected != len(self.in_force):
            self.in_force = self._written.without_expired(now)


def read_overrides(path: Path, default: Limit) -> Overrides:
    """The overrides of a file, the expired ones too. Raises `BadConfiguration` naming file, line and reason."""
    return parse(read_text(path, MAX_FILE_BYTES), str(path), default)
