"""Generated from ratelimiter.thrift by `make idl`: do not edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import Protocol

import thrift_idl.gen.ratelimiter.ttypes as ttypes
import thrift_idl.gen.context.ttypes as context_ttypes


class RateLimiter(Protocol):
    """RESERVE: when may this domain be fetched next? Only durations cross the wire, never a clock."""

    async def reserve(self, request: ttypes.ReserveRequest) -> ttypes.Grant:
        """Take the next slot of a domain, or learn when to ask again. Raises NotOwner."""
        ...

    async def reserve_batch(self, request: ttypes.ReserveBatchRequest) -> tuple[ttypes.Grant, ...]:
        """Many reservations in one call, answered in order."""
        ...

    async def feedback(self, request: ttypes.FeedbackRequest) -> None:
        """Tell how a request ended; 429 and 503 hold the domain for all."""
        ...

    async def status(self, request: ttypes.StatusRequest) -> ttypes.DomainStatus:
        """status of the IDL."""
        ...

    async def block(self, request: ttypes.BlockRequest) -> None:
        """Grant nothing to a domain for a time."""
        ...
