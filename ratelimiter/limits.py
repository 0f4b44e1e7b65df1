"""The limits in force: the default and the override file's, re-read while we run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from ratelimiter.overrides import DEFAULT_QPS, Limit, Overrides, limit_of_qps, parse
from ratelimiter.telemetry import SILENT, LimiterTelemetry
from runtime.clock import wall_ms
from runtime.watched_file import LOOK_EVERY_MS, WatchedFile, read_file

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

    def __init__(self, default: Limit, wall: Callable[[], float] = wall_ms) -> None:
        self._wall_ms = wall
        self._written = self.in_force = Overrides(default)
        self._expiries: list[float] = []
        self._file: WatchedFile[Overrides] | None = None
        self.due_ms = float("inf")

    @classmethod
    async def open(
        cls,
        path: Path | None = None,
        default_qps: float = DEFAULT_QPS,
        telemetry: LimiterTelemetry = SILENT,
        wall: Callable[[], float] = wall_ms,
    ) -> LimitsInForce:
        """Limits with their file read. Raises `BadConfiguration` naming file, line and reason."""
        default = limit_of_qps(default_qps)
        limits = cls(default, wall)
        if path:
            told = _FileTelemetry(limits, telemetry)
            limits._file = await WatchedFile.open(
                path, partial(parse, default=default), told, limits._apply, MAX_FILE_BYTES
            )
            limits.due_ms = float("-inf")
            told.file_loaded(str(path))
        return limits

    async def current(self, now_ms: float) -> Overrides:
        """The limits in force."""
        if now_ms >= self.due_ms:
            self.due_ms = now_ms + LOOK_EVERY_MS
            if self._file is not None:
                await self._file.look()
            self._expire()
        return self.in_force

    @property
    def complaint(self) -> str:
        """The reason why the present override file is not in force; "" = it is."""
        return self._file.complaint if self._file else ""

    async def _apply(self, written: Overrides) -> None:
        self._written = written
        self._expiries = [limit.expires_ms for limit in written.all() if limit.expires_ms is not None]
        self.in_force = written.without_expired(self._wall_ms())

    def _expire(self) -> None:
        """Drop overrides that have expired since, restore those that haven't if the wall clock was set back."""
        now = self._wall_ms()
        expected = len(self._written) - sum(expiry <= now for expiry in self._expiries)
        if expected != len(self.in_force):
            self.in_force = self._written.without_expired(now)


class _FileTelemetry:
    """The limiter's telemetry, told of its override file."""

    def __init__(self, limits: LimitsInForce, telemetry: LimiterTelemetry) -> None:
        self._limits = limits
        self._telemetry = telemetry

    def file_loaded(self, path: str) -> None:
        self._telemetry.limits_loaded(path, len(self._limits.in_force))

    def file_refused(self, path: str, reason: str) -> None:
        self._telemetry.limits_refused(path, reason)


def read_overrides(path: Path, default: Limit) -> Overrides:
    """The overrides of a file, the expired ones too. Raises `BadConfiguration` naming file, line and reason."""
    return read_file(path, partial(parse, default=default), MAX_FILE_BYTES)
