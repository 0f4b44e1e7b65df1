"""The content of a reply: its codings decoded one after the other, within the caller's cap and a bound on the work.

A server decides the size of its answer, so nothing here may run until the input is used up: a step is one call of a
library with little input and a bounded output. Each library's worst input: `tests/faults/fetcher/worst_codings.py`.
Each stage passes its small output to the next before it continues, so no reply makes us hold more than the cap and
8 MiB. No stage may return more than content could have, or take much input for almost no output: blocks, members and
frames without content cost time, and a hundred bytes can stand for terabytes of them.

Sources: RFC 9110 8.4, RFC 1950-1952, RFC 7932, RFC 8878, RFC 9659 (zstd windows of at most 8 MiB).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from typing import IO, Protocol, cast

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

from fetcher.settings import KIB, MIB
from thrift_idl.errors import BadReply

GIVEN = 128 * KIB
"""The largest output of one step; one of brotli, whose limit is a soft one, gives up to twice as much."""
SPARE = 7 * MIB
"""Windows beyond this are subtracted from the cap: in total less than cap + 8 MiB."""
_TAKEN = 32 * KIB  # deflate blocks of empty tables take 4 ms
_TAKEN_BY_BROTLI = 24 * KIB  # blocks of 256 context maps take 16 ms
_NARROW = 2 * MIB  # a brotli window that takes no longer than 17 ms to fill
_UNREACHED = 16  # ... without the part that no distance reaches (RFC 7932 9.1)
_WINDOW_FIELD, _NARROW_FIELD = 0b1110, 0b1000  # WBITS of 18 to 24 in the first byte; of 21
_GIVEN_BY_BROTLI = 96 * KIB
_MEMBER = KIB  # the cost of a gzip member beyond its bytes, because it needs a new decoder; and...
_FLUSH = 64  # ... the cost of a zstd frame or flush, because each makes a step
_ZSTD_WINDOW = 8 * MIB
_GZIP_MAGIC = b"\x1f\x8b"


class BadCoding(Exception):
    """The content isn't coded as declared."""


class Full(Exception):
    """The cap is reached: no more is accepted."""


class Stage(Protocol):
    """One coding: takes bytes, gives the decoded ones."""

    held: int
    """Bytes that it must remember: windows use memory, too."""
    taken: int
    """Bytes of input used so far."""
    given: int
    """Bytes of output so far."""
    long: bool
    """Its steps may take more than 20 ms, without Python's lock: they need a thread."""

    busy: bool
    """True if a step may give output without more input."""

    def take(self, data: bytes) -> None:
        """Input for the next steps; only if the stage isn't busy."""

    def step(self) -> bytes:
        """Decode a little more, perhaps without output. Raises `BadCoding`, `Full`."""

    def finished(self) -> bool:
        """True if the input may end here."""


def stage(coding: str, cap: int) -> Stage:
    """The stage for `coding` (gzip, deflate, br, zstd) if `cap` bytes of content are wanted."""
    if coding == "gzip":
        return _Zlib(zlib.MAX_WBITS | 16)
    if coding == "deflate":
        return _Zlib(zlib.MAX_WBITS)
    return _Brotli(cap) if coding == "br" else _Zstd()


class _Zlib:
    """gzip with several members, or deflate, with or without the zlib header that it should have."""

    def __init__(self, window_bits: int) -> None:
        self.held = 32 * KIB
        self.busy = self.long = False
        self.taken = self.given = 0
        self._bits = window_bits
        self._inflate = zlib.decompressobj(window_bits)
        self._begun = False
        self._ended = False
        self._rest = memoryview(b"")

    def take(self, data: bytes) -> None:
        if not self._ended:
            self._rest = memoryview(bytes(self._rest) + data if self._rest else data)
            self.busy = self._begun or len(self._rest) > 1  # a header is judged whole, also that of a further member

    def step(self) -> bytes:
        if not self._begun and self._inflate.eof:
            self._next_member()
            return b""
        part = self._rest[:_TAKEN]
        try:
            piece = self._inflate.decompress(part, GIVEN)
        except zlib.error as error:
            self._retry_raw(error)
            return b""
        used = len(part) - len(self._inflate.unconsumed_tail) - len(self._inflate.unused_data)
        self._rest = self._rest[used:]
        self._begun = not self._inflate.eof
        if self._begun:
            self.busy = bool(self._rest) or len(piece) == GIVEN  # it may hold more than it could return
        else:
            self._ended = self._bits != zlib.MAX_WBITS | 16
            self.busy = len(self._rest) > 1 and not self._ended
        self.taken += used
        self.given += len(piece)
        return piece

    def _retry_raw(self, error: zlib.error) -> None:
        """Decode deflate without its header, as some servers send it."""
        if self._begun or self._bits != zlib.MAX_WBITS:
            raise BadCoding(str(error)) from None
        self._bits, self._begun = -zlib.MAX_WBITS, True
        self._inflate = zlib.decompressobj(self._bits)

    def _next_member(self) -> None:
        """The next gzip member; anything else after the end is padding."""
        self._ended = self._rest[:2] != _GZIP_MAGIC
        self.busy = not self._ended
        if not self._ended:
            self._inflate = zlib.decompressobj(self._bits)
            self._begun = True
            self.taken += _MEMBER

    def finished(self) -> bool:
        return self._inflate.eof


class _Brotli:
    """Decodes ahead until its window is full, even if less is wanted: the whole window counts from the start.

    Filling one of 16 MiB takes 120 ms of commands that need no input. So a wide one is declared narrow at first:
    content that fits into a narrow window is the same in any wider one. Longer content is decoded again from its
    beginning, as it was declared, in steps that are `long`.
    """

    def __init__(self, cap: int) -> None:
        self.held = self.taken = self.given = 0
        self.busy = self.long = False
        self._widest = cap + SPARE
        self._decoder = brotli.Decompressor()
        self._more = False  # it has output before it takes input; or hasn't noticed yet that it has finished
        self._ended = False
        self._rest = memoryview(b"")
        self._declared = 0
        self._input: list[bytes] | None = None  # while a wide window is narrow: all input so far
        self._repeated = 0  # output still to come that was already given

    def take(self, data: bytes) -> None:
        if self._ended or not data:  # bytes after the end are padding
            return
        if not self._declared:
            self._open_window(data[0])
        if self._input is not None:
            self._input.append(data)
            self.held += len(data)
        self._rest = memoryview(data)
        self.busy = True

    def step(self) -> bytes:
        part: bytes | memoryview = b"" if self._more else self._rest[:_TAKEN_BY_BROTLI]
        if self._input and not self.taken:
            part = bytes([part[0] & ~_WINDOW_FIELD | _NARROW_FIELD]) + part[1:]
        try:
            piece = self._decoder.process(part, output_buffer_limit=_GIVEN_BY_BROTLI)
        except brotli.error as error:
            if self._input is None:
                raise BadCoding(str(error)) from None
            return self._widen(self._input)  # perhaps only because it was narrow
        if self._input is not None and self.given + len(piece) > _NARROW - _UNREACHED:
            return self._widen(self._input)
        self._rest = self._rest[len(part) :]
        self._ended = self._decoder.is_finished()
        self._more = not self._decoder.can_accept_more_data() or (bool(piece) and not self._rest)
        self.busy = not self._ended and (self._more or bool(self._rest))
        self.taken += len(part)
        return self._new(piece)

    def _open_window(self, first: int) -> None:
        """By the first byte. Raises `BadCoding` for a window that is too wide."""
        self._declared = self.held = 1 << _brotli_window_bits(first)
        if self._declared > self._widest:
            raise BadCoding(f"a brotli window of {self._declared} bytes is more than may be held")
        if self._declared > _NARROW:
            self._input, self.held = [], _NARROW

    def _widen(self, pieces: list[bytes]) -> bytes:
        """Start again with the declared window, if it leaves room for more content."""
        if self._declared + self.given > self._widest:
            raise Full
        self._decoder = brotli.Decompressor()
        data, self._input = b"".join(pieces), None
        self._rest = memoryview(data)
        self._more, self._repeated, self.taken = False, self.given, 0
        self.held, self.long = self._declared + len(data), True
        return b""

    def _new(self, piece: bytes) -> bytes:
        """`piece` without the part that was already given."""
        skipped = min(self._repeated, len(piece))
        self._repeated -= skipped
        self.given += len(piece) - skipped
        return piece[skipped:]

    def finished(self) -> bool:
        return self._ended


def _brotli_window_bits(first: int) -> int:
    """WBITS of RFC 7932 9.1, rounded up if it takes more than the first byte."""
    if not first & 1:
        return 16
    if first & 0b1110:
        return 17 + (first >> 1 & 7)
    return 17 if not first >> 4 & 7 else 8 + (first >> 4 & 7)


class _Dry(Exception):
    """There is no input now."""


class _Slice:
    """The source of zstandard: one slice, then nothing until there is another."""

    def __init__(self) -> None:
        self.data = b""

    def read(self, _most: int) -> bytes:
        """The slice, once. Raises `_Dry`: b"" would mean the end."""
        data, self.data = self.data, b""
        if not data:
            raise _Dry
        return data


class _Zstd:
    """A reader over slices: asked for little, it decodes a block at a time. A writer's output has no bound."""

    def __init__(self) -> None:
        self.held = self.taken = self.given = 0
        self.busy = self.long = False
        self._slice = _Slice()
        decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        source = cast("IO[bytes]", self._slice)  # only `read` of a file is called
        self._reader = decoder.stream_reader(source, read_across_frames=True, closefd=False)
        self._buffer = memoryview(bytearray(GIVEN))  # `read1` would lose its bytes whenever the slice is dry
        self._more = False
        self._rest = memoryview(b"")

    def take(self, data: bytes) -> None:
        self._rest = memoryview(data)
        self.busy = bool(data)

    def step(self) -> bytes:
        if not self._more:
            self._slice.data = bytes(self._rest[:_TAKEN])
            self._rest = self._rest[_TAKEN:]
            self.taken += len(self._slice.data)
        try:
            size = self._reader.readinto1(self._buffer)
        except _Dry:
            self._more = False
            self.busy = bool(self._rest)
            return b""
        except zstandard.ZstdError as error:
            raise BadCoding(str(error)) from None
        self._more = True
        self.taken += _FLUSH if size < GIVEN else 0
        self.given += size
        self.held = min(_ZSTD_WINDOW, self.given)
        return bytes(self._buffer[:size])

    def finished(self) -> bool:
        """Unknown to the library: the framing shows a short stream."""
        return True


MOST_CODINGS = 5
_ALIASES = {"x-gzip": "gzip", "x-deflate": "deflate"}
_BARREN = MIB  # the input that a stage may take without output, and...
_TAKEN_PER_GIVEN = 2  # ... for each byte of output: no coding makes content much longer
_OVERHEAD = MIB  # the coded content between two stages is no longer than the content plus this


class Store:
    """Keeps up to `cap` bytes, minus the bytes by which the windows of earlier stages exceed their share."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._buffer = io.BytesIO()

    def write(self, data: bytes, windows: int) -> None:
        """Keep `data`, while stages hold `windows` bytes. Raises `Full` after keeping the part that fits."""
        room = self._cap - max(0, windows - SPARE) - self._buffer.tell()
        if len(data) > room:
            self._buffer.write(data[: max(0, room)])
            raise Full
        self._buffer.write(data)

    def __len__(self) -> int:
        return self._buffer.tell()

    def content(self) -> bytes:
        """All kept bytes; no copy is made."""
        return self._buffer.getvalue()


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
    """`take` the body as on the wire, `step` while it is `busy`; `content` is the result.

    Flags: `truncated` (the cap is reached, or the coded stream ends too soon), `bad_encoding` (not coded as declared,
    or far more coding than content).
    """

    def __init__(self, codings: Sequence[str], cap: int) -> None:
        self._store = Store(cap)
        self._most_between = cap + _OVERHEAD
        self.stages = [stage(coding, cap) for coding in reversed(codings)]
        self._fed = False
        self.wanted = True
        """True if more of the body is useful."""
        self.busy = False
        """There is work to do before the next `take`, and..."""
        self.long = False
        """... its next step may take long, so that it needs a thread."""
        self._at = 0
        self.flags: list[str] = []

    def take(self, data: bytes) -> None:
        """The next bytes of the body; only if the decoder isn't busy. Raises the errors of `step`."""
        self._fed = self._fed or bool(data)
        try:
            self._push(data, 0)
        except (Full, BadCoding) as reason:
            self._end(reason)
        self._find_work()

    def step(self) -> None:
        """Do a little of the work, at worst 20 ms if it isn't `long`; only while the decoder is busy.

        The last stage with work does it: so no stage has more than a piece before it. Raises
        `BadReply` if nothing could be decoded at all.
        """
        stepping = self.stages[self._at]
        try:
            piece = stepping.step()
            if piece:
                self._push(piece, self._at + 1)
            if stepping.taken > _BARREN + _TAKEN_PER_GIVEN * stepping.given:
                raise BadCoding(f"{stepping.taken} coded bytes stand for {stepping.given}")
            if stepping.given > self._most_between and stepping is not self.stages[-1]:
                raise BadCoding(f"{stepping.given} bytes between two codings are more than content could be")
        except (Full, BadCoding) as reason:
            self._end(reason)
        self._find_work()

    def feed(self, data: bytes) -> bool:
        """Take `data` and do all the work at once, at worst seconds: not on an event loop. False = no more is wanted.

        Raises `BadReply` if nothing could be decoded at all.
        """
        self.take(data)
        while self.busy:
            self.step()
        return self.wanted

    def _find_work(self) -> None:
        at = len(self.stages) - 1
        while at >= 0 and not self.stages[at].busy:
            at -= 1
        self._at, self.busy = at, at >= 0 and self.wanted
        self.long = at >= 0 and self.stages[at].long

    def _push(self, data: bytes, at: int) -> None:
        if at < len(self.stages):
            self.stages[at].take(data)
            return
        windows = 0
        for each in self.stages:
            windows += each.held
        self._store.write(data, windows)

    def _end(self, reason: Full | BadCoding) -> None:
        self.wanted = False
        if isinstance(reason, Full):
            self.flags.append("truncated")
        elif not len(self._store):
            raise BadReply(f"the content is not coded as declared: {reason}") from None
        else:
            self.flags += ["truncated", "bad_encoding"]

    def content(self) -> bytes:
        """The decoded content; call it at the end of the body. Raises `BadReply` if no content could be decoded."""
        if self._fed and not self.flags and not all(each.finished() for each in self.stages):
            if not len(self._store):
                raise BadReply("the content is not coded as declared: too short")
            self.flags.append("truncated")
        return self._store.content()
