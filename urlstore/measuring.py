"""Telemetry around the service's methods."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from thrift_idl.errors import AragogError
from thrift_idl.gen.context.ttypes import Context
from urlstore.telemetry import Call, Telemetry


class _Measured(Protocol):
    _telemetry: Telemetry


class _Request(Protocol):
    @property
    def context(self) -> Context: ...


S = TypeVar("S", bound=_Measured)
Q = TypeVar("Q", bound=_Request)
A = TypeVar("A")


def measured(method: Callable[[S, Q], Awaitable[A]]) -> Callable[[S, Q], Awaitable[A]]:
    """`method`, telling the service's telemetry of every call."""

    @functools.wraps(method)
    async def tell(service: S, request: Q) -> A:
        began, error = time.perf_counter(), ""
        try:
            return await method(service, request)
        except AragogError as raised:
            error = raised.code
            raise
        except BaseException:
            error = "internal"
            raise
        finally:
            took_ms = (time.perf_counter() - began) * 1000
            service._telemetry.called(Call(method.__name__, request.context.source, took_ms, error))

    return tell
