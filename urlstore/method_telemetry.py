"""Telemetry around the service's methods."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from runtime.clock import monotonic_ms
from thrift_idl.errors import AragogError
from urlstore.telemetry import MethodCall

M = TypeVar("M", bound=Callable[..., Coroutine[Any, Any, Any]])


def measured(method: M) -> M:
    """A method `(self, request)` that reports every call to the service's `_telemetry`."""

    @functools.wraps(method)
    async def tell(self: Any, request: Any) -> Any:
        began_ms, error = monotonic_ms(), ""
        try:
            return await method(self, request)
        except AragogError as raised:
            error = raised.code
            raise
        except BaseException:
            error = "internal"
            raise
        finally:
            took_ms = monotonic_ms() - began_ms
            self._telemetry.called(MethodCall(method.__name__, request.context.source, took_ms, error))

    return cast(M, tell)
