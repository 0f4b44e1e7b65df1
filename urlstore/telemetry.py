"""The store's telemetry: hooks that the assembly fills (metrics, logs), silent by default, and what calls them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from runtime.clock import monotonic_ms
from thrift_idl.errors import AragogError


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One answered call."""

    method: str
    source: str
    took_ms: float
    error: str = ""
    """Code of the error that it raised; "" = none."""


@dataclass(frozen=True, slots=True)
class PagePut:
    """One stored page."""

    source: str
    content_changed: bool
    record_changed: bool
    content_bytes: int
    stored_bytes: int
    """Bytes written to the content backend, compressed; 0 = nothing."""


class StoreTelemetry(Protocol):
    """Hooks, called in the event loop: they must not block or raise."""

    def called(self, call: MethodCall) -> None:
        """A call was answered."""
        ...

    def page_put(self, put: PagePut) -> None:
        """A page was stored."""
        ...


class SilentStoreTelemetry:
    """Telemetry that does nothing."""

    def called(self, call: MethodCall) -> None:
        """Do nothing."""

    def page_put(self, put: PagePut) -> None:
        """Do nothing."""


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
