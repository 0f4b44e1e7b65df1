"""The request context of a command: the caller's name that services see."""

from __future__ import annotations

import uuid

from thrift_idl.gen.context.ttypes import Context
from thrift_idl.rpc import run

__all__ = ["context", "run"]


def context(source: str = "cli") -> Context:
    """A context with a fresh request id."""
    return Context(source, uuid.uuid4().hex[:16])
