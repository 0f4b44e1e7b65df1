"""Which limit holds for a domain: the default, or the override file's, re-read while we run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Protocol

from ratelimiter.overrides import Limit, limit_of_qps, parse
from ratelimiter.telemetry import SILENT, Telemetry
from thrift_idl.errors import BadConfiguration

DEFAULT_QPS: Final = 10.0
_LOOK_EVERY_MS: Final = 1_000
_MAX_FILE_BYTES: Final = 16 * 1024 * 1024

_Stamp = tuple[int, int, int]


class LimitsSource(Protocol):
    """Where the service learns a domain's limit."""

    async def of(self, domain: str, now_ms: float) -> Limit:
        """The limit in force for a registrable domain."""
        ...


class Limits:
    """A default limit and an optional override file, looked at once a second by whoever asks first.

    A changed file is applied whole. A bad or vanished one is told to the telemetry, and the last good one stays.
    """

    def __init__(self, default: Limit, path: Path | None = None, telemetry: Telemetry = SILENT) -> None:
        self._default = default
        self._path = path
        self._telemetry = telemetry
        self._overrides: dict[str, Limit] = {}
        self._stamp: _Stamp | None = None
        self._complaint = ""
        self._look_at = float("-inf") if path else float("inf")

    @classmethod
    async def open(
        cls, path: Path | None = None, default_qps: float = DEFAULT_QPS, telemetry: Telemetry = SILENT
    ) -> Limits:
        """Limits with their file read. Raises `BadConfiguration` naming file, line and reason."""
        limits = cls(limit_of_qps(default_qps), path, telemetry)
        if path:
            limits._stamp = await asyncio.to_thread(_stamp, path)
            limits._overrides = await asyncio.to_thread(_read, path, limits._default)
        return limits

    async def of(self, domain: str, now_ms: float) -> Limit:
        """The limit in force for a registrable domain."""
        if now_ms >= self._look_at:
            self._look_at = now_ms + _LOOK_EVERY_MS
            await self._look()
        return self._overrides.get(domain, self._default)

    async def _look(self) -> None:
        path = self._path
        assert path is not None
        try:
            stamp = await asyncio.to_thread(_stamp, path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._overrides = await asyncio.to_thread(_read, path, self._default)
        except BadConfiguration as error:
            if error.message != self._complaint:
                self._telemetry.limits_refused(str(path), error.message)
            self._complaint = error.message
        else:
            self._complaint = ""
            self._telemetry.limits_loaded(str(path), len(self._overrides))


def _stamp(path: Path) -> _Stamp:
    """What changes when the file does, also when it is replaced within one tick of its mtime."""
    try:
        stat = path.stat()
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}", file=str(path)) from None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _read(path: Path, default: Limit) -> dict[str, Limit]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError:
        raise BadConfiguration(f"{path}: not UTF-8 text", file=str(path)) from None
    if len(content) > _MAX_FILE_BYTES:
        raise BadConfiguration(f"{path}: larger than {_MAX_FILE_BYTES} bytes", file=str(path))
    return parse(text, str(path), default)
