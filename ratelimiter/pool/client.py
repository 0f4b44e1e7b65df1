"""The caller's side of the pool: each call goes to the shard that owns its domain; a batch is split and joined again.

If a shard refuses because it isn't the owner, or doesn't answer, the membership is read again and the call re-routed,
a bounded number of times. No slot is granted twice by that: a slot whose answer was lost is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

from ratelimiter.checks import check_batch
from ratelimiter.pool.membership import LimiterShard, Membership, read_membership
from ratelimiter.pool.ring import owners, ring_slot
from runtime.single_flight import SingleFlight
from thrift_idl.errors import BackendDown, NotOwner
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import (
    BlockRequest,
    DomainStatus,
    FeedbackRequest,
    Grant,
    ReserveBatchRequest,
    ReserveRequest,
    StatusRequest,
)

T = TypeVar("T")

_ROUTES: Final = 4
_BATCH_ROUTES: Final = 2
_BATCH_MS: Final = 500
"""A shard that would delay the others' slots of a batch for longer is left out of the batch."""
_DOWN_MS: Final = 1_000.0
"""A domain whose shard is down is asked for again after this."""


class ShardConnection(Protocol):
    """A client of one shard, which can be closed."""

    @property
    def limiter(self) -> RateLimiter:
        """The shard's service."""
        ...

    async def close(self) -> None:
        """End its connections."""
        ...


Connect = Callable[[str], ShardConnection]


class Route:
    """One membership with its table of owners and the connections to them."""

    def __init__(self, membership: Membership, connections: dict[str, ShardConnection]) -> None:
        self.membership = membership
        self._owners = owners(tuple(shard.name for shard in membership.shards))
        self.connections = connections
        self._limiters = [connections[shard.address].limiter for shard in membership.shards]

    def place(self, domain: str) -> int:
        """The number of the shard that owns the domain."""
        return self._owners[ring_slot(domain)]

    def owner(self, domain: str) -> LimiterShard:
        """The shard that owns the domain."""
        return self.membership.shards[self.place(domain)]

    def limiter(self, place: int) -> RateLimiter:
        """That shard's service."""
        return self._limiters[place]


class PooledRateLimiter:
    """Implements `thrift_idl.gen.ratelimiter.protocol.RateLimiter`. Used by one event loop."""

    def __init__(self, path: Path, connect: Connect) -> None:
        self._path = path
        self._connect = connect
        self._route: Route
        self._looks: SingleFlight[None, None] = SingleFlight(lands_alone=True)

    @classmethod
    async def open(cls, path: Path, connect: Connect) -> PooledRateLimiter:
        """The pool that the membership file at `path` describes. Raises `BadConfiguration`."""
        pool = cls(path, connect)
        pool._route = await pool._read({})
        return pool

    async def close(self) -> None:
        """End all connections."""
        await self._looks.landed()
        await asyncio.gather(*(connection.close() for connection in self._route.connections.values()))

    @property
    def membership(self) -> Membership:
        """The membership by which calls are routed."""
        return self._route.membership

    def owner(self, domain: str) -> LimiterShard:
        """The shard that gets the calls about the domain."""
        return self._route.owner(domain)

    async def reserve(self, request: ReserveRequest) -> Grant:
        """Like its shard's. Raises `BackendDown` if that is down or uncertain."""
        grant = await self._routed(request.reservation.domain, lambda limiter: limiter.reserve(request))
        self._heard(grant)
        return grant

    async def reserve_batch(self, request: ReserveBatchRequest) -> tuple[Grant, ...]:
        """Like `reserve` for each, in order, its shards asked at once; a domain whose shard is down is refused."""
        check_batch(request.reservations)  # else one shard would grant its part, and another refuse the whole
        grants: dict[int, Grant] = {}
        left: Sequence[int] = range(len(request.reservations))
        for _ in range(_BATCH_ROUTES):
            route = self._route
            grants |= await self._ask(route, request, left)
            left = [number for number in left if number not in grants]
            if not left:
                break
            await self._refresh()
            if self._route is route:
                break  # waiting for shards to agree would void the slots that others have granted
        missing = Grant(False, 0.0, _DOWN_MS, 0.0, "unavailable", self._route.membership.version)
        return tuple([grants.get(number, missing) for number in range(len(request.reservations))])

    async def feedback(self, request: FeedbackRequest) -> None:
        """Like its shard's."""
        await self._routed(request.domain, lambda limiter: limiter.feedback(request))

    async def status(self, request: StatusRequest) -> DomainStatus:
        """Like its shard's."""
        return await self._routed(request.domain, lambda limiter: limiter.status(request))

    async def block(self, request: BlockRequest) -> None:
        """Like its shard's."""
        await self._routed(request.domain, lambda limiter: limiter.block(request))

    async def _routed(self, domain: str, call: Callable[[RateLimiter], Awaitable[T]]) -> T:
        for _ in range(_ROUTES):
            route = self._route
            try:
                return await call(route.limiter(route.place(domain)))
            except NotOwner:
                await self._refresh()
                if self._route is route:  # the shard has an older membership: it reads the file again soon
                    await asyncio.sleep(route.membership.skew_ms / 1_000 / _ROUTES)
            except BackendDown:
                await self._refresh()
                if self._route.owner(domain) == route.owner(domain):
                    raise
        raise BackendDown(f"the shards don't agree yet on the owner of {domain}: try again", domain=domain)

    async def _ask(self, route: Route, request: ReserveBatchRequest, numbers: Sequence[int]) -> dict[int, Grant]:
        """Grants by number, from the shards that answer in time as owners."""
        shares: dict[int, list[int]] = {}
        for number in numbers:
            shares.setdefault(route.place(request.reservations[number].domain), []).append(number)
        asked = {
            asyncio.create_task(self._share(route.limiter(place), request, share)): share
            for place, share in shares.items()
        }
        done, late = await asyncio.wait(asked, timeout=_BATCH_MS / 1_000)
        for task in late:
            task.cancel()
        answered = ((number, grant) for task in done for number, grant in zip(asked[task], task.result(), strict=False))
        return {number: grant for number, grant in answered if not grant.not_owner}

    async def _share(self, limiter: RateLimiter, request: ReserveBatchRequest, numbers: list[int]) -> Sequence[Grant]:
        """One shard's answers; none if it is down."""
        wishes = request.reservations
        if len(numbers) < len(wishes):
            request = ReserveBatchRequest(request.context, tuple([wishes[number] for number in numbers]))
        try:
            return await limiter.reserve_batch(request)
        except (BackendDown, NotOwner):
            return ()

    def _heard(self, grant: Grant) -> None:
        """A shard knows a later membership than we do: read it, while the next calls use the old route."""
        if (grant.version or 0) > self._route.membership.version:
            self._looks.begin(None, self._reroute)

    async def _refresh(self) -> None:
        """Read the membership; callers share one reading. A bad file leaves the route unchanged."""
        await asyncio.wait([self._looks.begin(None, self._reroute)])

    async def _reroute(self) -> None:
        before = self._route
        route = await self._read(before.connections, before.membership)
        if route.membership.version <= before.membership.version:
            return
        self._route = route
        gone = before.connections.keys() - route.connections.keys()
        await asyncio.gather(*(before.connections[address].close() for address in gone))

    async def _read(self, connections: dict[str, ShardConnection], known: Membership | None = None) -> Route:
        membership = await asyncio.to_thread(read_membership, self._path)
        if membership == known:
            return self._route
        addresses = [shard.address for shard in membership.shards]
        kept = {address: connections.get(address) or self._connect(address) for address in addresses}
        return await asyncio.to_thread(Route, membership, kept)
