"""Messages of the strict binary protocol, and their frames: bytes in, messages out; no I/O.

Our own code reads the header (the library is slow), the C codec the body. Header: 0x8001, 0, type; length of the name,
name; sequence id (Thrift specification, binary protocol, "Message"). Each message is preceded by its length, four
bytes, big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.transport.TTransport import TMemoryBuffer

from thrift_idl.rpc.validation import check

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


CALL: Final = 1
REPLY: Final = 2
EXCEPTION: Final = 3
NAME_BYTES: Final = 256
#: A call of this name under the sequence id of another says that its caller gave up the other call. No method can have
#: this name, and it has no answer; a server that doesn't know it answers "unknown method", which is dropped.
GIVE_UP: Final = b"$give_up"

_VERSION: Final = 0x80010000
_HEAD = struct.Struct("!II")
_I32 = struct.Struct("!i")


class Undecodable(Exception):
    """The body of a message is no such struct; the frame around it is sound."""


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """The method that is called (or answers) and the sequence id; the body begins at `start`."""

    kind: int
    name: bytes
    sequence: int
    start: int


def read_header(frame: bytes, *kinds: int) -> MessageHeader:
    """The header of a message of one of `kinds`. Raises FrameError on anything else, as from another protocol."""
    if len(frame) < 12:
        raise FrameError("no strict binary Thrift message: too short")
    head, length = _HEAD.unpack_from(frame)
    if head - _VERSION not in kinds:
        raise FrameError("no strict binary Thrift message of the expected type")
    if not 0 < length <= min(NAME_BYTES, len(frame) - 12):
        raise FrameError("no strict binary Thrift message: the method's name has an impossible length")
    name = frame[8 : 8 + length]
    (sequence,) = _I32.unpack_from(frame, 8 + length)
    return MessageHeader(head - _VERSION, name, sequence, 12 + length)


def write_header(kind: int, name: bytes, sequence: int) -> bytes:
    """The header of a message."""
    return _HEAD.pack(_VERSION + kind, len(name)) + name + _I32.pack(sequence)


def decode(kind: type[Any], frame: bytes, start: int) -> Any:
    """The struct that fills the frame from `start` to its end, checked throughout. Raises Undecodable.

    No string or container may be longer than the bytes there are; the codec stops at 64 levels, skipped
    fields included.
    """
    body = frame[start:]
    buffer = TMemoryBuffer(body)
    protocol = TBinaryProtocolAccelerated(buffer, string_length_limit=len(body), container_length_limit=len(body))
    record = kind()
    try:
        record.read(protocol)
        check(record)
    except Exception as error:  # the C codec raises half a dozen built-in types
        raise Undecodable(f"{type(error).__name__}: {error}"[:200]) from error
    if buffer.cstringio_buf.tell() != len(body):
        raise Undecodable("bytes after the end of the struct")
    return record


def encode(record: Any) -> bytes:
    """The struct's bytes. Raises the codec's errors for a value that doesn't fit its type."""
    buffer = TMemoryBuffer()
    record.write(TBinaryProtocolAccelerated(buffer))
    encoded: bytes = buffer.getvalue()
    return encoded
