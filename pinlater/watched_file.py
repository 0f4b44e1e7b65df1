"""A file that is read anew when it has changed: applied whole, or refused, and then the last good one stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Generic, Self, TypeVar

from pinlater.telemetry import SILENT, Telemetry
from thrift_idl.errors import BadConfiguration

T = TypeVar("T")
_LOOK_EVERY_MS: Final = 1_000
_MOST_BYTES: Final = 4 * 1024 * 1024
_Stamp = tuple[int, int, int]


async def _nothing(_: object) -> None:
    return


class WatchedFile(Generic[T]):
    """Looked at once a second by whoever asks for its content."""

    def __init__(
        self,
        path: Path,
        parse: Callable[[str, str], T],
        content: T,
        telemetry: Telemetry = SILENT,
        apply: Callable[[T], Awaitable[None]] = _nothing,
    ) -> None:
        self._path = path
        self._parse = parse
        self._content = content
        self._telemetry = telemetry
        self._apply = apply
        self._stamp: _Stamp | None = None
        self._look_at_ms = float("-inf")
        self.complaint = ""
        """Why the file as it is now is not in force; "" = it is."""

    @classmethod
    async def open(
        cls,
        path: Path,
        parse: Callable[[str, str], T],
        telemetry: Telemetry = SILENT,
        apply: Callable[[T], Awaitable[None]] = _nothing,
    ) -> Self:
        """The file, read and applied. Raises `BadConfiguration` naming file, line and reason."""
        stamp = await asyncio.to_thread(_stamp, path)
        content = await asyncio.to_thread(_read, path, parse)
        await apply(content)
        watched = cls(path, parse, content, telemetry, apply)
        watched._stamp = stamp
        return watched

    async def current(self, now_ms: float) -> T:
        """What is in force. `now_ms` is of a clock that never goes back."""
        if now_ms >= self._look_at_ms:
            self._look_at_ms = now_ms + _LOOK_EVERY_MS
            await self.look()
        return self._content

    async def look(self) -> None:
        """Read the file if it has changed, the bad one too: it is read again when it changes."""
        stamp = None
        try:
            stamp = await asyncio.to_thread(_stamp, self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                content = await asyncio.to_thread(_read, self._path, self._parse)
                await self._apply(content)
                self._content, self.complaint = content, ""
                self._telemetry.file_loaded(str(self._path))
        except BadConfiguration as error:
            if error.message != self.complaint:
                self._telemetry.file_refused(str(self._path), error.message)
            self.complaint, self._stamp = error.message, stamp

    async def watch(self) -> None:
        """Look once a second, until cancelled: for what has to change though nobody asks."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_MS / 1000)
            await self.look()


def _stamp(path: Path) -> _Stamp:
    """What changes when the file does, also when it is replaced within one tick of its mtime."""
    try:
        stat = path.stat()
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}", file=str(path)) from None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _read(path: Path, parse: Callable[[str, str], T]) -> T:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError:
        raise BadConfiguration(f"{path}: not UTF-8 text", file=str(path)) from None
    if len(content) > _MOST_BYTES:
        raise BadConfiguration(f"{path}: larger than {_MOST_BYTES} bytes", file=str(path))
    return parse(text, str(path))
