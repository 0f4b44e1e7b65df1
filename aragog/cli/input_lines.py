"""Lines of standard input, bounded, and bytes to standard output: the input and output of a filter.

A line is passed on as soon as it is read, so that a filter works as a co-process too. Lines end with LF; the last one
may lack it.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import typer

from thrift_idl.errors import AragogError

Line = bytes | None
"""A line without its end; None = one that was too long."""

_STDIN, _STDOUT = 0, 1
_CHUNK = 256 * 1024


class LineCutter:
    """Chunks in, whole lines out; a line longer than `most` bytes isn't kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that `chunk` ends."""
        first, *others = chunk.split(b"\n")
        self._add(first)
        if not others:
            return []
        *whole, rest = others
        lines = [self._taken(), *(line if len(line) <= self._most else None for line in whole)]
        self._add(rest)
        return lines

    def end(self) -> list[Line]:
        """The last line, if it has no end."""
        return [self._taken()] if self._size else []

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._most:
            self._pieces.clear()
        elif piece:
            self._pieces.append(piece)

    def _taken(self) -> Line:
        line = b"".join(self._pieces) if self._size <= self._most else None
        self._pieces, self._size = [], 0
        return line


@contextmanager
def piped() -> Iterator[None]:
    """Ends the command quietly if the reader has ended, as `head` does; other errors of a pipe name it."""
    try:
        yield
    except BrokenPipeError:
        raise typer.Exit(0) from None
    except OSError as error:
        failure = AragogError(f"standard input or output: {error.strerror or error}")
        failure.code = "input_output"
        raise failure from error


def check_open() -> None:
    """Raise OSError if standard input or output is closed: an event loop would take its number for a file."""
    for descriptor in (_STDIN, _STDOUT):
        os.fstat(descriptor)


def batches(most: int) -> Iterator[list[Line]]:
    """The lines of standard input as they arrive, those of one read together. Blocks."""
    lines = LineCutter(most)
    while chunk := os.read(_STDIN, _CHUNK):
        yield lines.feed(chunk)
    yield lines.end()


def write(text: bytes) -> None:
    """Write all of `text` to standard output, now. Blocks."""
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(_STDOUT, rest) :]


async def incoming(most: int) -> AsyncIterator[Line]:
    """The lines of standard input as they arrive."""
    loop = asyncio.get_running_loop()
    lines = LineCutter(most)
    while True:
        await _until_ready(_STDIN, loop.add_reader, loop.remove_reader)
        chunk = os.read(_STDIN, _CHUNK)
        for line in lines.feed(chunk) if chunk else lines.end():
            yield line
        if not chunk:
            return


async def write_patiently(text: bytes) -> None:
    """Like `write`, while others go on: a pipe that is ready takes PIPE_BUF bytes without blocking (pipe(7))."""
    loop = asyncio.get_running_loop()
    for start in range(0, len(text), select.PIPE_BUF):
        await _until_ready(_STDOUT, loop.add_writer, loop.remove_writer)
        write(text[start : start + select.PIPE_BUF])


async def _until_ready(
    descriptor: int, add: Callable[[int, Callable[[], None]], None], remove: Callable[[int], bool]
) -> None:
    """Wait until `descriptor` can be read or written; files always can, so that epoll refuses them (epoll_ctl(2))."""
    ready = asyncio.Event()
    try:
        add(descriptor, ready.set)
    except PermissionError:
        return
    try:
        await ready.wait()
    finally:
        remove(descriptor)
