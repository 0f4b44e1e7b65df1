"""The request context of a command, with the caller's name that services see, and the loop that it runs on."""

from __future__ import annotations

import uuid
from collections.abc import Coroutine
from typing import Any, TypeVar

from thrift_idl.gen.context.ttypes import Context

T = TypeVar("T")


def context(source: str = "cli") -> Context:
    """A context with a fresh request id."""
    return Context(source, uuid.uuid4().hex[:16])


def run(main: Coroutine[Any, Any, T]) -> T:
    """The result of `main`, run on the event loop of our processes."""
    from thrift_idl.rpc import run as run_on_loop  # noqa: PLC0415 - a filter that answers at once starts without RPC

    return run_on_loop(main)
