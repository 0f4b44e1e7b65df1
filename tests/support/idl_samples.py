"""Sample values for every type of the IDL, every field set, made from the specifications that the compiler wrote."""

from __future__ import annotations

import importlib
from typing import Any

from thrift.Thrift import TFrozenDict, TType

PROGRAMS = ("context", "fetcher", "page", "pinlater", "ratelimiter", "urlstore")
_PLAIN = {TType.BOOL: True, TType.BYTE: 7, TType.I16: 300, TType.I32: 1, TType.I64: 2**40 + 1, TType.DOUBLE: 0.125}


def structs() -> list[type[Any]]:
    """Every struct and exception of the IDL."""
    found = []
    for program in PROGRAMS:
        module = importlib.import_module(f"thrift_idl.gen.{program}.ttypes")
        found += [item for item in vars(module).values() if _is_struct(item) and item.__module__ == module.__name__]
    return found


def _is_struct(item: object) -> bool:
    return isinstance(item, type) and hasattr(item, "thrift_spec")


def sample(kind: type[Any]) -> Any:
    """An instance with every field set."""
    entries = [entry for entry in kind.thrift_spec or () if entry is not None]
    return kind(**{entry[2]: value(entry[1], entry[3]) for entry in entries})


def value(ttype: int, arguments: Any) -> Any:
    """A value of a type, as the C codec reads it: immutable containers."""
    if ttype in _PLAIN:
        return _PLAIN[ttype]
    if ttype == TType.STRING:
        return b"\x00\xff\x80" if arguments == "BINARY" else "Ärger 蜘蛛"
    if ttype == TType.STRUCT:
        return sample(arguments[0])
    if ttype == TType.MAP:
        pairs = {value(arguments[0], arguments[1]): value(arguments[2], arguments[3])}
        return TFrozenDict(pairs) if arguments[4] else pairs
    element = value(arguments[0], arguments[1])
    if ttype == TType.LIST:
        return (element, element) if arguments[2] else [element, element]
    return frozenset({element}) if arguments[2] else {element}
