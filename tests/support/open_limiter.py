"""Rate limiters for tests that are not about rates, filling the Protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

from thrift_idl.gen.ratelimiter.ttypes import (
    BlockRequest,
    DomainStatus,
    FeedbackRequest,
    Grant,
    Reservation,
    ReserveBatchRequest,
    ReserveRequest,
    StatusRequest,
)

GRANTED = Grant(True, 0.0, 0.0, 1.0)


@dataclass
class OpenLimiter:
    """Grants at once, or whatever it is given; remembers what it was asked and told."""

    grants: list[Grant] = field(default_factory=list)
    reserved: list[Reservation] = field(default_factory=list)
    told: list[FeedbackRequest] = field(default_factory=list)

    async def reserve(self, request: ReserveRequest) -> Grant:
        self.reserved.append(request.reservation)
        return self.grants.pop(0) if self.grants else GRANTED

    async def feedback(self, request: FeedbackRequest) -> None:
        self.told.append(request)

    async def reserve_batch(self, request: ReserveBatchRequest) -> tuple[Grant, ...]:
        raise AssertionError("the fetcher reserves one by one")

    async def status(self, request: StatusRequest) -> DomainStatus:
        raise AssertionError("the fetcher asks for no status")

    async def block(self, request: BlockRequest) -> None:
        raise AssertionError("the fetcher blocks nobody")
