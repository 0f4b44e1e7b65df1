"""The methods of a service as server and client see them, read from the generated module beside its Protocol."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thrift_idl.gen.context.ttypes import Failure


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a service: the structs that carry its arguments, its result and its exceptions."""

    name: str
    wire_name: bytes
    arguments: type[Any]
    result: type[Any]
    parameters: tuple[str, ...]
    exceptions: tuple[tuple[type[BaseException], str], ...]
    """Declared exception classes and their slots in the result."""
    returns: bool
    """False: void."""

    def unpack(self, arguments: Any) -> tuple[Any, ...]:
        """The values of an arguments struct, in the order of the handler's parameters."""
        return tuple(getattr(arguments, name) for name in self.parameters)

    def failure_slot(self) -> str | None:
        """The result's slot for `Failure`; None where the method declares none."""
        return next((slot for kind, slot in self.exceptions if kind is Failure), None)


def methods(protocol: Callable[..., Any]) -> dict[bytes, Method]:
    """The methods of a service by their names on the wire; `protocol` is its class in `thrift_idl.gen.<x>.protocol`.

    The module that the compiler made for the service has the Protocol's name and is in the same folder.
    """
    package, _, _ = protocol.__module__.rpartition(".")
    service = importlib.import_module(f"{package}.{protocol.__name__}")
    names = [name for name in vars(service.Iface) if not name.startswith("_")]
    return {name.encode(): _method(service, name) for name in names}


def _method(service: Any, name: str) -> Method:
    arguments = getattr(service, f"{name}_args")
    result = getattr(service, f"{name}_result")
    slots = [entry for entry in result.thrift_spec or () if entry is not None]
    return Method(
        name=name,
        wire_name=name.encode(),
        arguments=arguments,
        result=result,
        parameters=tuple(arguments.__slots__),
        exceptions=tuple((entry[3][0], entry[2]) for entry in slots if entry[0] != 0),
        returns=any(entry[0] == 0 for entry in slots),
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """The part of a request's context that concerns the call itself."""

    request_id: str
    remaining_ms: int | None


def caller_of(values: tuple[Any, ...]) -> Caller:
    """The caller of a request, from its first argument: our request with a `Context`, or PinLater's RequestContext."""
    first = values[0] if values else None
    context = getattr(first, "context", first)
    request_id = getattr(context, "request_id", None) or getattr(context, "requestId", None) or ""
    return Caller(request_id, getattr(context, "remaining_ms", None))
