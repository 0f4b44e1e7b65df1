"""The checks of a struct from outside: the number of its values before it is decoded, its required fields after it.

An empty struct costs one byte on the wire and 300 in memory; a frame of them would cost gigabytes and a minute. So the
values are counted without making any. The C codec never calls `validate()`, which never looks into fields: required
fields are checked at every depth.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Iterable
from functools import cache, partial
from typing import Any, Final

from thrift.Thrift import TType

from thrift_idl.rpc.limits import DEPTH

Check = Callable[[Any], None]


def check(record: Any) -> None:
    """Raises TProtocolException if the record or a struct anywhere inside lacks a required field."""
    _check_as(type(record), record)


@cache
def _struct_check(kind: Hashable) -> Check:
    """The check of one struct, made once: its own `validate`, then the fields that hold structs."""
    struct: Any = kind
    inner = [
        (entry[2], found)
        for entry in struct.thrift_spec or ()
        if entry is not None and (found := _value_check(entry[1], entry[3])) is not None
    ]
    validate = struct.validate

    def run(record: Any) -> None:
        validate(record)
        for name, field_check in inner:
            value = getattr(record, name)
            if value is not None:
                field_check(value)

    return run


def _value_check(ttype: int, arguments: Any) -> Check | None:
    """The check of a value by its entry in the struct's specification; None if no struct is inside."""
    if ttype == TType.STRUCT:
        kind = arguments[0]
        return partial(_check_as, kind)  # looked up late: a struct may hold itself
    if ttype in (TType.LIST, TType.SET):
        return _each(_value_check(arguments[0], arguments[1]), iter)
    if ttype == TType.MAP:
        return _each(_value_check(arguments[2], arguments[3]), lambda mapping: iter(mapping.values()))
    return None


def _check_as(kind: Any, value: Any) -> None:
    _struct_check(kind)(value)


def _each(element: Check | None, items: Callable[[Any], Iterable[Any]]) -> Check | None:
    if element is None:
        return None

    def run(container: Any) -> None:
        for item in items(container):
            element(item)

    return run


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
