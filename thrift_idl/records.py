"""Operations on a generated struct: pack, unpack, change a copy, show as JSON.

The generated structs are our records; these functions are all that they lack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, TypeVar

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.transport.TTransport import TMemoryBuffer


class Struct(Protocol):
    """A struct that the Thrift compiler made."""

    thrift_spec: ClassVar[Any]

    @classmethod
    def read(cls, iprot: Any) -> Self: ...  # noqa: D102 - the compiler's
    def write(self, oprot: Any) -> None: ...  # noqa: D102 - the compiler's
    def validate(self) -> None: ...  # noqa: D102 - the compiler's


S = TypeVar("S", bound=Struct)
try:
    from thrift.protocol.fastbinary import encode_binary as _encode
except ImportError:  # thrift was installed without a C compiler
    _encode = None


def pack(record: Struct) -> bytes:
    """The record in Thrift's binary encoding."""
    kind = type(record)
    if _encode is not None and kind.thrift_spec is not None:
        # The effect of `write`; a protocol and a buffer to write to would be four fifths of packing a small record.
        packed: bytes = _encode(record, [kind, kind.thrift_spec])
        return packed
    buffer = TMemoryBuffer()
    record.write(TBinaryProtocolAccelerated(buffer))
    return bytes(buffer.getvalue())


def unpack(kind: type[S], packed: bytes) -> S:
    """The record that `pack` wrote; unknown fields are skipped. Raises Thrift's protocol errors on invalid bytes."""
    record = kind.read(TBinaryProtocolAccelerated(TMemoryBuffer(packed)))
    record.validate()
    return record


def field_names(record: Struct | type[Struct]) -> tuple[str, ...]:
    """Names of the struct's fields, in the order of the IDL."""
    return tuple(record.__slots__)  # type: ignore[union-attr]  # the compiler's `slots` option


def replace(record: S, /, **changes: Any) -> S:
    """A copy with some fields changed, like `dataclasses.replace`."""
    values = {name: getattr(record, name) for name in field_names(record)}
    return type(record)(**(values | changes))


def to_json(value: Any) -> Any:
    """The record as JSON-ready values: structs become objects without absent fields, bytes become hex."""
    if hasattr(value, "thrift_spec"):
        pairs = ((name, getattr(value, name)) for name in field_names(value))
        return {name: to_json(item) for name, item in pairs if item is not None}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(item) for item in value]
    return value
