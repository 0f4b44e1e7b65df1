"""The check of required fields at every depth: the C codec never calls `validate()`, which never looks into fields."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import cache, partial
from typing import Any

from thrift.Thrift import TType

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
