"""The number of connections that a process has file descriptors for. The usual soft limit of 1,024 is too low."""

from __future__ import annotations

import contextlib
from typing import Final

SHARE: Final = 4
"""Servers that one process may hold (`aragog serve`); files and outgoing connections use the remaining descriptors."""
ENOUGH: Final = 65_536


def connections_within(limit: int | None, wanted: int) -> int:
    """The connections that one server may have when the process may open `limit` files (None = any number)."""
    return wanted if limit is None else max(1, min(wanted, limit // SHARE))


def raise_limit() -> int | None:
    """Raise the soft limit to the hard one, as Go does since 1.19; returns the limit, None = there is none."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    better = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < better:
        with contextlib.suppress(OSError, ValueError):  # macOS has another bound, too
            resource.setrlimit(resource.RLIMIT_NOFILE, (better, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
