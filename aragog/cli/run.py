"""How a command runs its coroutine, and in whose name."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from typing import Any, TypeVar

from thrift_idl.gen.context.ttypes import Context

T = TypeVar("T")


def context(source: str = "cli") -> Context:
    """A context with a fresh request id."""
    return Context(source, uuid.uuid4().hex[:16])


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, on uvloop where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
