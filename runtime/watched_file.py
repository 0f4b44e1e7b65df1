"""A file that is read again after each change: applied whole, or refused, and then the last good content stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Generic, Protocol, Self, TypeVar

from runtime.text_file import Stamp, file_stamp, read_text
from thrift_idl.errors import BadConfiguration

T = TypeVar("T")
LOOK_EVERY_MS: Final = 1_000
MOST_BYTES: Final = 4 * 1024 * 1024


class FileTelemetry(Protocol):
    """Hears of each change of a file. Its methods neither block nor raise."""

    def file_loaded(self, path: str) -> None:
        """A new content is in force."""

    def file_refused(self, path: str, reason: str) -> None:
        """The file is bad or missing; the last good content stays in force."""


class _SilentFileTelemetry:
    def file_loaded(self, path: str) -> None:
        return

    def file_refused(self, path: str, reason: str) -> None:
        return


_SILENT: Final[FileTelemetry] = _SilentFileTelemetry()


async def _nothing(_: object) -> None:
    return


class WatchedFile(Generic[T]):
    """A file that is checked once a second by a caller that needs its content."""

    def __init__(
        self,
        path: Path,
        parse: Callable[[str, str], T],
        content: T,
        telemetry: FileTelemetry = _SILENT,
        apply: Callable[[T], Awaitable[None]] = _nothing,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._path = path
        self._parse = parse
        self._content = content
        self._telemetry = telemetry
        self._apply = apply
        self._most_bytes = most_bytes
        self._stamp: Stamp | None = None
        self._look_at_ms = float("-inf")
        self.complaint = ""
        """The reason why the present file is not in force; "" = it is."""

    @classmethod
    async def open(
        cls,
        path: Path,
        parse: Callable[[str, str], T],
        telemetry: FileTelemetry = _SILENT,
        apply: Callable[[T], Awaitable[None]] = _nothing,
        most_bytes: int = MOST_BYTES,
    ) -> Self:
        """The file, read and applied. Raises `BadConfiguration` naming file, line and reason."""
        stamp = await asyncio.to_thread(file_stamp, path)
        content = await asyncio.to_thread(read_file, path, parse, most_bytes)
        await apply(content)
        watched = cls(path, parse, content, telemetry, apply, most_bytes)
        watched._stamp = stamp
        return watched

    async def current(self, now_ms: float) -> T:
        """The content in force. `now_ms` is of a clock that never goes back."""
        if now_ms >= self._look_at_ms:
            self._look_at_ms = now_ms + LOOK_EVERY_MS
            await self.look()
        return self._content

    async def look(self) -> None:
        """Read the file if it has changed, also a bad one: it is read again when it changes."""
        stamp = None
        try:
            stamp = await asyncio.to_thread(file_stamp, self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                content = await asyncio.to_thread(read_file, self._path, self._parse, self._most_bytes)
                await self._apply(content)
                self._content, self.complaint = content, ""
                self._telemetry.file_loaded(str(self._path))
        except BadConfiguration as error:
            if error.message != self.complaint:
                self._telemetry.file_refused(str(self._path), error.message)
            self.complaint, self._stamp = error.message, stamp

    async def watch(self) -> None:
        """Check once a second, until cancelled: for changes that must happen without a caller."""
        while True:
            await asyncio.sleep(LOOK_EVERY_MS / 1000)
            await self.look()


def read_file(path: Path, parse: Callable[[str, str], T], most_bytes: int = MOST_BYTES) -> T:
    """The file parsed by `parse`; blocks. Raises `BadConfiguration` naming file, line and reason."""
    return parse(read_text(path, most_bytes), str(path))
