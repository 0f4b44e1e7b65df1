"""Content codings undone in small steps, so that no reply can make us hold more than the caller's cap and a little.

Each stage pushes pieces of at most `STEP` bytes to the next, the last one into a `Store` that stops everything when it
is full. Windows count too: what a decoder must remember is memory as well.
Sources: RFC 9110 8.4, RFC 1950-1952, RFC 7932, RFC 8878, RFC 9659 (zstd windows of at most 8 MiB).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Protocol, cast

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

from fetcher.settings import KIB, MIB
from thrift_idl.errors import BadReply

STEP = 64 * KIB
MOST_CODINGS = 5
_SPARE = 7 * MIB  # windows beyond this are taken off the cap: all in all less than cap + 8 MiB
_ZSTD_WINDOW = 8 * MIB
_ALIASES = {"x-gzip": "gzip", "x-deflate": "deflate"}


class Full(Exception):
    """The cap is reached: no more is taken."""


class BadCoding(Exception):
    """The content isn't coded as declared."""


@dataclass(slots=True)
class Window:
    """Bytes that one stage must remember.

    The store knows the windows, not the stages: zstandard's writer is invisible to Python's garbage collector, and
    would keep for good whatever forms a cycle with it, content and all.
    """

    held: int = 0


class Stage(Protocol):
    """Takes bytes, pushes what becomes of them to the next stage."""

    window: Window

    def write(self, data: bytes) -> int:
        """Take `data`. Raises `Full`, `BadCoding`."""

    def finished(self) -> bool:
        """Whether the input may end here."""


class Store:
    """The last stage: keeps up to `cap` bytes, less what the windows before it exceed their share."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._buffer = io.BytesIO()
        self.window = Window()
        self.windows: list[Window] = []

    def write(self, data: bytes) -> int:
        """Keep `data`. Raises `Full`, having kept what fits."""
        windows = sum(window.held for window in self.windows)
        room = self._cap - max(0, windows - _SPARE) - self._buffer.tell()
        if len(data) > room:
            self._buffer.write(data[: max(0, room)])
            raise Full
        return self._buffer.write(data)

    def finished(self) -> bool:
        """Always."""
        return True

    def __len__(self) -> int:
        return self._buffer.tell()

    def content(self) -> bytes:
        """All that was kept; no copy is made."""
        return self._buffer.getvalue()


class _Zlib:
    """gzip with several members, or deflate, with or without the zlib header that it should have."""

    def __init__(self, sink: Stage, window_bits: int) -> None:
        self._sink = sink
        self.window = Window(32 * KIB)
        self._bits = window_bits
        self._inflate = zlib.decompressobj(window_bits)
        self._begun = False
        self._first = b""

    def write(self, data: bytes) -> int:
        """Take `data`."""
        rest = data
        if not self._begun:
            self._first = rest = self._first + data
            if len(rest) < 2:  # a header has two bytes, and shall be judged whole
                return len(data)
        while rest:
            rest = self._step(rest)
        return len(data)

    def _step(self, data: bytes) -> bytes:
        try:
            piece = self._inflate.decompress(data, STEP)
        except zlib.error as error:
            return self._retry_raw(data, error)
        self._begun = True
        if piece:
            self._sink.write(piece)
        if not self._inflate.eof:
            return self._inflate.unconsumed_tail
        return self._next_member(self._inflate.unused_data)

    def _retry_raw(self, data: bytes, error: zlib.error) -> bytes:
        """deflate without its header, as some servers send it."""
        if self._begun or self._bits != zlib.MAX_WBITS:
            raise BadCoding(str(error)) from None
        self._bits, self._begun = -zlib.MAX_WBITS, True
        self._inflate = zlib.decompressobj(self._bits)
        return data

    def _next_member(self, rest: bytes) -> bytes:
        """The next gzip member; anything else after the end is padding."""
        if self._bits == zlib.MAX_WBITS | 16 and rest[:2] == b"\x1f\x8b":
            self._inflate = zlib.decompressobj(self._bits)
            return rest
        return b""

    def finished(self) -> bool:
        """Whether the stream has come to its end."""
        return self._inflate.eof


class _Brotli:
    """Decodes ahead until its window is full, whatever it is asked for: the whole window counts from the start."""

    def __init__(self, sink: Stage, cap: int) -> None:
        self._sink = sink
        self.window = Window()
        self._widest = cap + _SPARE
        self._decoder = brotli.Decompressor()
        self._ended = False

    def write(self, data: bytes) -> int:
        """Take `data`; what comes after the end is padding."""
        if not self.window.held and data:
            self._open_window(data[0])
        rest, more = data, not self._ended
        while more:
            piece = self._step(rest)
            rest = b""
            if piece:
                self._sink.write(piece)
            self._ended = bool(self._decoder.is_finished())
            # An empty step more after the last piece: only then does the decoder know that it has finished.
            more = not self._ended and bool(piece or not self._decoder.can_accept_more_data())
        return len(data)

    def _open_window(self, first: int) -> None:
        held = self.window.held = 1 << _brotli_window_bits(first)
        if held > self._widest:
            raise BadCoding(f"a brotli window of {held} bytes is more than may be held")

    def _step(self, data: bytes) -> bytes:
        try:
            return bytes(self._decoder.process(data, output_buffer_limit=STEP))
        except brotli.error as error:
            raise BadCoding(str(error)) from None

    def finished(self) -> bool:
        """Whether the stream has come to its end."""
        return self._ended


def _brotli_window_bits(first: int) -> int:
    """WBITS of RFC 7932 9.1, rounded up where it takes more than the first byte."""
    if not first & 1:
        return 16
    if first & 0b1110:
        return 17 + (first >> 1 & 7)
    return 17 if not first >> 4 & 7 else 8 + (first >> 4 & 7)


class _Counted:
    """Between zstandard's decoder and the next stage, whose exceptions it keeps: the decoder would leak a buffer."""

    def __init__(self, sink: Stage, window: Window) -> None:
        self._sink = sink
        self._window = window
        self.failures: list[Exception] = []

    def write(self, piece: bytes) -> int:
        if not self.failures:
            self._window.held = min(_ZSTD_WINDOW, self._window.held + len(piece))
            try:
                self._sink.write(bytes(piece))
            except (Full, BadCoding) as error:
                self.failures.append(error)
        return len(piece)


class _Zstd:
    _STEP = KIB  # becomes 32 MiB at worst, which costs milliseconds

    def __init__(self, sink: Stage) -> None:
        self.window = Window()
        self._counted = _Counted(sink, self.window)
        decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        target = cast("IO[bytes]", self._counted)  # of a file, only `write` is called
        self._writer = decoder.stream_writer(target, write_size=STEP, write_return_read=True, closefd=False)

    def write(self, data: bytes) -> int:
        """Take `data`."""
        for start in range(0, len(data), self._STEP):
            try:
                self._writer.write(data[start : start + self._STEP])
            except zstandard.ZstdError as error:
                raise BadCoding(str(error)) from None
            if self._counted.failures:
                raise self._counted.failures.pop()
        return len(data)

    def finished(self) -> bool:
        """Not told by the library: a short stream shows in the framing."""
        return True


def _stage(coding: str, sink: Stage, cap: int) -> Stage:
    if coding == "gzip":
        return _Zlib(sink, zlib.MAX_WBITS | 16)
    if coding == "deflate":
        return _Zlib(sink, zlib.MAX_WBITS)
    return _Brotli(sink, cap) if coding == "br" else _Zstd(sink)


def codings_of(values: Sequence[str]) -> list[str]:
    """Content codings in the order they were applied. Raises `BadReply` for unknown ones and more than five."""
    named = [coding.strip().lower() for value in values for coding in value.split(",")]
    codings = [_ALIASES.get(coding, coding) for coding in named if coding not in ("", "identity", "none")]
    unknown = [coding for coding in codings if coding not in ("gzip", "deflate", "br", "zstd")]
    if unknown:
        raise BadReply(f"unknown content coding {unknown[0][:40]!a}", coding=ascii(unknown[0][:40]))
    if len(codings) > MOST_CODINGS:
        raise BadReply(f"{len(codings)} stacked content codings; {MOST_CODINGS} are the limit")
    return codings


class Decoder:
    """Feed it the body as on the wire; `content` is what there is of it, `flags` what went wrong.

    Flags: `truncated` (the cap is reached, or the coded stream ends too soon), `bad_encoding` (not coded as declared).
    """

    def __init__(self, codings: Sequence[str], cap: int) -> None:
        self._store = Store(cap)
        self._first: Stage = self._store
        self._stages: list[Stage] = []
        for coding in codings:
            self._first = _stage(coding, self._first, cap)
            self._stages.append(self._first)
            self._store.windows.append(self._first.window)
        self._fed = False
        self.flags: list[str] = []

    def feed(self, data: bytes) -> bool:
        """Take `data`; False = more would be in vain. Raises `BadReply` if nothing could be decoded at all."""
        self._fed = self._fed or bool(data)
        try:
            self._first.write(data)
        except Full:
            self.flags.append("truncated")
        except BadCoding as error:
            if not len(self._store):
                raise BadReply(f"the content is not coded as declared: {error}") from None
            self.flags += ["truncated", "bad_encoding"]
        else:
            return True
        return False

    def content(self) -> bytes:
        """What was decoded; call it at the end of the body. Raises `BadReply` where a body came to nothing."""
        if self._fed and not self.flags and not all(stage.finished() for stage in self._stages):
            if not len(self._store):
                raise BadReply("the content is not coded as declared: too short")
            self.flags.append("truncated")
        return self._store.content()
