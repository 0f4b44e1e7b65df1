"""The number of values in an encoded struct, counted without making any: it bounds the objects that decoding makes.

An empty struct costs one byte on the wire and 300 in memory; a frame of them would cost gigabytes and a minute.
"""

from __future__ import annotations

import struct
from typing import Final

from thrift.Thrift import TType

from thrift_idl.rpc.limits import DEPTH

_I32 = struct.Struct("!i")
_WIDTH: Final = {
    TType.BOOL: 1, TType.BYTE: 1, TType.DOUBLE: 8, TType.I16: 2, TType.I32: 4, TType.I64: 8, TType.UUID: 16,
}  # fmt: skip


class TooManyValues(Exception):
    """The struct holds more values, or deeper ones, than are taken."""


def bound_values(frame: bytes, start: int, most: int) -> None:
    """Raises TooManyValues if the struct at `start` holds more than `most` values, fields and elements together.

    A frame of no more than `most` bytes can't, and isn't examined. Malformed bytes end the count (IndexError or
    struct.error are swallowed): the codec refuses them.
    """
    if len(frame) - start <= most:
        return
    try:
        _Count(frame, most).fields(start, 0)
    except (IndexError, struct.error):
        return


class _Count:
    def __init__(self, frame: bytes, most: int) -> None:
        self._frame = frame
        self._left = most

    def _spend(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise TooManyValues("the message holds too many values")

    def fields(self, at: int, depth: int) -> int:
        """Position after the struct at `at`."""
        frame = self._frame
        while (ttype := frame[at]) != TType.STOP:
            self._spend(1)
            at = self.value(ttype, at + 3, depth)
        return at + 1

    def value(self, ttype: int, at: int, depth: int) -> int:
        """Position after the value at `at`."""
        width = _WIDTH.get(ttype)
        if width is not None:
            return at + width
        if ttype == TType.STRING:
            return at + 4 + self._size(at)
        if depth >= DEPTH:
            raise TooManyValues(f"the message is nested deeper than {DEPTH}")
        if ttype == TType.STRUCT:
            return self.fields(at, depth + 1)
        if ttype in (TType.LIST, TType.SET):
            return self.elements((self._frame[at],), self._size(at + 1), at + 5, depth + 1)
        if ttype == TType.MAP:
            return self.elements((self._frame[at], self._frame[at + 1]), self._size(at + 2), at + 6, depth + 1)
        raise IndexError

    def elements(self, ttypes: tuple[int, ...], size: int, at: int, depth: int) -> int:
        """Position after `size` elements (of a map: pairs)."""
        self._spend(size * len(ttypes))
        widths = [_WIDTH.get(ttype) for ttype in ttypes]
        if all(widths):
            return at + size * sum(width for width in widths if width)
        for _ in range(size):
            for ttype in ttypes:
                at = self.value(ttype, at, depth)
        return at

    def _size(self, at: int) -> int:
        (size,) = _I32.unpack_from(self._frame, at)
        if size < 0:
            raise IndexError
        return int(size)
