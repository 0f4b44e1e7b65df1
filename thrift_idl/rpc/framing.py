"""Framed transport: each message is preceded by its length, four bytes, big-endian. Bytes in, frames out; no I/O."""

from __future__ import annotations

import struct

_LENGTH = struct.Struct("!i")


class FrameError(Exception):
    """The stream is no framed Thrift or a frame exceeds the limit: only closing the connection helps."""


def framed(message: bytes) -> bytes:
    """The message after its length."""
    return _LENGTH.pack(len(message)) + message


class Frames:
    """Cuts a byte stream into frames. A length is checked before a byte of its frame is kept."""

    def __init__(self, frame_bytes: int) -> None:
        self._frame_bytes = frame_bytes
        self._half = bytearray()

    @property
    def held(self) -> int:
        """Bytes kept of an incomplete frame."""
        return len(self._half)

    def clear(self) -> None:
        """Forget the incomplete frame."""
        self._half = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes. Raises FrameError on a length of zero, below, or beyond the limit."""
        if self._half:
            self._half += data
            if len(self._half) < 4 + self._length(self._half, 0):
                return []
            data = bytes(self._half)
            self._half = bytearray()
        return self._cut(data)

    def _cut(self, data: bytes) -> list[bytes]:
        frames = []
        start, end = 0, len(data)
        while end - start >= 4:
            stop = start + 4 + self._length(data, start)
            if stop > end:
                break
            frames.append(data[start + 4 : stop])
            start = stop
        if start < end:
            self._half += data[start:]
        return frames

    def _length(self, data: bytes | bytearray, start: int) -> int:
        if len(data) - start < 4:
            return 0
        (length,) = _LENGTH.unpack_from(data, start)
        if not 0 < length <= self._frame_bytes:
            raise FrameError(f"a frame of {length} bytes; 1 to {self._frame_bytes} are taken")
        return int(length)
