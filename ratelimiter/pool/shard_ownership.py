"""A shard's hold on its share: it reads the membership file again and again, and answers by the last reading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ratelimiter.pool.lease import NOT_OURS, NOTHING, next_lease
from ratelimiter.pool.membership import Membership, read_membership
from ratelimiter.pool.ring import owners, ring_slot
from ratelimiter.telemetry import SILENT, LimiterTelemetry
from runtime.single_flight import SingleFlight
from thrift_idl.errors import BackendDown, BadConfiguration, LockLost, NotOwner

_LOOKS_A_SKEW = 5


class ShardOwnership:
    """`Ownership` of the shard `name`, by the membership at `path`. Used by one event loop."""

    def __init__(
        self,
        name: str,
        path: Path,
        now_ms: Callable[[], float],
        telemetry: LimiterTelemetry = SILENT,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`check` raises `LockLost` if a lock of this process's places is lost: then the hold ends with its skew."""
        self._name = name
        self._path = path
        self._now_ms = now_ms
        self._telemetry = telemetry
        self._check = check
        self._lease = NOTHING
        self._membership: Membership | None = None
        self._complaint = ""
        self._looks: SingleFlight[None, None] = SingleFlight(lands_alone=True)
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        name: str,
        path: Path,
        now_ms: Callable[[], float],
        telemetry: LimiterTelemetry = SILENT,
        check: Callable[[], None] = lambda: None,
    ) -> ShardOwnership:
        """The hold, read now and watched until `close`. Raises `BadConfiguration` if there is no good file."""
        ownership = cls(name, path, now_ms, telemetry, check)
        await ownership.look()
        ownership._watch = asyncio.create_task(ownership._watching())
        return ownership

    async def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    @property
    def version(self) -> int:
        """Version of the membership in force."""
        return self._lease.version

    @property
    def gained_ms(self) -> float:
        """By then new slots are ours alone."""
        return self._lease.gained_ms

    def lasts(self, now: float) -> bool:
        """True if the membership was read within its skew."""
        return self._lease.lasts(now)

    async def renew(self) -> None:
        """Read it now; callers share one reading. Raises `BackendDown`."""
        try:
            await self._looks.join(None, self.look)
        except BadConfiguration as error:
            raise BackendDown(f"shard {self._name} can't read the owners of domains: {error.message}") from error
        if not self._lease.lasts(self._now_ms()):
            raise BackendDown(f"shard {self._name} was too slow to read the owners of domains: try again")

    def floor_ms(self, domain: str) -> float:
        """The time from which all the domain's grants are here. Raises `NotOwner`."""
        floor = self._lease.floors[ring_slot(domain)]
        if floor == NOT_OURS:
            version = str(self._lease.version)
            raise NotOwner(f"{domain} is another shard's in version {version} of the membership", version=version)
        return floor

    async def look(self) -> None:
        """Read the file and adopt it. Raises `BadConfiguration`, `LockLost`: the hold ends with its skew."""
        looked_ms = self._now_ms()
        self._check()
        try:
            membership, owned = await asyncio.to_thread(self._read, self._membership)
        except BadConfiguration as error:
            if error.message != self._complaint:
                self._telemetry.membership_refused(str(self._path), error.message)
            self._complaint = error.message
            raise
        self._complaint = ""
        before = self._lease
        if owned is None:
            self._lease = replace(before, looked_ms=max(looked_ms, before.looked_ms))
        elif membership.version > before.version:
            self._lease = next_lease(before, membership.version, membership.skew_ms, owned, looked_ms, self._now_ms())
            self._membership = membership
            self._telemetry.membership_adopted(membership.version, sum(owned), len(owned))

    def _read(self, known: Membership | None) -> tuple[Membership, list[bool] | None]:
        """In a thread: the file, and the slots that it makes ours (None: it is unchanged)."""
        membership = read_membership(self._path)
        if membership == known:
            return membership, None
        if known is not None and membership.version <= known.version:
            reason = f"version {membership.version} says something else than version {known.version}: raise the version"
            raise BadConfiguration(f"{self._path}: {reason}", file=str(self._path))
        names = tuple(shard.name for shard in membership.shards)
        ours = names.index(self._name) if self._name in names else -1
        return membership, [owner == ours for owner in owners(names)]

    async def _watching(self) -> None:
        while True:
            await asyncio.sleep(self._lease.skew_ms / 1_000 / _LOOKS_A_SKEW)
            with suppress(BadConfiguration, LockLost):
                await self.look()
