"""Bounds of servers and clients: bytes, counts and times. Precedents are named beside the numbers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

FRAME_BYTES = 16_384_000  # Apache Thrift's and Finagle's default
MESSAGE_BYTES = 100 * 1024 * 1024  # TConfiguration's default
DEPTH = 64  # TConfiguration's default; the C codec has it built in


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits of one server on its callers; a caller that exceeds one is answered `Overloaded` or is disconnected.

    A message is one frame, never more: the smaller of `frame_bytes` and `message_bytes` bounds it.
    Containers are bounded by the bytes of their frame, all values of a frame together by `frame_values`.
    """

    frame_bytes: int = FRAME_BYTES
    message_bytes: int = MESSAGE_BYTES
    frame_values: int = 250_000
    """Values (fields, elements, keys) of one frame: an element of one byte becomes a Python object of 300."""
    memory_bytes: int = 512 * 1024 * 1024
    """Bytes that all connections together hold: incomplete frames, frames of running calls, answers not yet sent.

    Beyond it, the connection that has kept bytes longest is cut.
    """
    connection_bytes: int = 64 * 1024 * 1024
    """Answers of one connection that it hasn't read: four of the largest. Further ones become `Overloaded`."""
    connections: int = 4_096
    """Beyond it, a new one takes the place of the one heard longest ago. Fewer if descriptors are few."""
    connection_calls: int = 1_024
    """Calls running at a time for one connection."""
    calls: int = 8_192
    """Calls running at a time for all connections."""
    call_ms: int = 120_000
    """Time of one call if its context doesn't bound it."""
    idle_ms: int = 600_000
    """A connection with nothing running and nothing sent is closed after this time."""
    half_frame_ms: int = 30_000
    """A frame is whole this long after its first byte."""
    stall_ms: int = 30_000
    """A caller that reads nothing of a full write buffer is cut off after this time."""
    unsent_bytes: int = 1024 * 1024
    """High-water mark of a connection's write buffer: above it, nothing more is read from that connection."""

    @property
    def largest_frame(self) -> int:
        """Bytes of the largest frame that is read or sent."""
        return min(self.frame_bytes, self.message_bytes)


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Limits of one channel. Connections x `connection_calls` bounds the calls in flight; more wait."""

    connections: int = 2
    connection_calls: int = 256
    frame_bytes: int = FRAME_BYTES
    deadline_ms: int = 30_000
    """Bound of every call; a smaller `remaining_ms` of the request's context wins."""
    connect_ms: int = 2_000
    idle_ms: int = 240_000
    """A connection unused for longer is replaced before use: sooner than the server closes it."""


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
