"""Several shards as one store: it distributes jobs, orders them, and works on when a shard doesn't answer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from random import Random
from typing import Generic, TypeVar

from pinlater.backends import NO_CAP, Acked, Backend, DequeuedJob, Span
from pinlater.descriptors import Claim, JobDescriptor
from pinlater.errors import is_code, none_healthy, queue_not_found, refusal, some_missing
from pinlater.shard import Ask, JobShard
from pinlater.telemetry import PinLaterTelemetry
from thrift_idl.errors import BackendDown
from thrift_idl.gen.pinlater.ttypes import (
    ErrorCode,
    PinLaterCheckpointJobRequest,
    PinLaterException,
    PinLaterJob,
    PinLaterJobAckInfo,
    PinLaterJobInfo,
    PinLaterJobState,
)


@dataclass(frozen=True, slots=True)
class DequeueRequest:
    """Jobs of a queue, ready at `now_ms`, in the order of the priorities."""

    queue: str
    claim: Claim | None
    """None: the jobs are shown, not claimed."""
    priorities: tuple[int, ...]
    limit: int
    now_ms: int
    most_claimed: int = NO_CAP
    """Together with earlier claims, on all shards."""

    async def ask(self, backend: Backend, priorities: Sequence[int], left: int) -> list[DequeuedJob]:
        """At most `left` of them from one shard. A single shard bounds the claims itself."""
        if self.claim is None:
            return await backend.peek(self.queue, priorities, left, self.now_ms)
        return await backend.dequeue(self.queue, self.claim, priorities, left, self.now_ms, self.most_claimed)


T = TypeVar("T")


class Partial(Generic[T]):
    """The results of the shards that answered, and the errors of the others; by their names."""

    def __init__(self) -> None:
        self.answers: dict[str, T] = {}
        self.missing: dict[str, BackendDown] = {}

    def whole(self, told: str = "") -> list[T]:
        """The answers of all. Raises `BackendDown` naming the missing shards; `told` describes the others' part."""
        if self.missing:
            raise some_missing(self.missing, told)
        return list(self.answers.values())


class Shards(Collection[Backend]):
    """The backends of one PinLater, by the names that their descriptors carry.

    A shard that is down is avoided if that loses nothing: another takes the jobs, the others give theirs.
    If it would (acks, look-ups, counts), the caller is told which are missing. A single shard can't be avoided,
    and it is asked each time. A shard that lacks a queue which another has gets it with its first job.
    """

    def __init__(self, backends: Iterable[Backend], random: Random, telemetry: PinLaterTelemetry) -> None:
        self._shards = {backend.shard: JobShard(backend, telemetry) for backend in backends}
        self._random = random
        self._capped: dict[str, asyncio.Lock] = {}

    def __iter__(self) -> Iterator[Backend]:
        return iter([shard.backend for shard in self._shards.values()])

    def __len__(self) -> int:
        return len(self._shards)

    def __contains__(self, backend: object) -> bool:
        return any(shard.backend is backend for shard in self._shards.values())

    def replace(self, shards: Iterable[JobShard]) -> list[JobShard]:
        """Use these from now on; returns the removed ones, to be closed."""
        before, self._shards = self._shards, {shard.name: shard for shard in shards}
        return [shard for shard in before.values() if self._shards.get(shard.name) is not shard]

    async def close(self) -> None:
        """Close every backend, each once no call uses it any more."""
        for shard in self.replace(()):
            await shard.close()

    @property
    def by_name(self) -> Mapping[str, JobShard]:
        """All of them."""
        return self._shards

    async def of_queue(self, queue: str, ask: Ask[T]) -> Partial[T]:
        """The answers of every shard that has a queue. Raises QUEUE_NOT_FOUND if none has it."""
        asked: Partial[T] = await self.partial(self._shards, ask, lacking=queue)
        if not asked.answers and not asked.missing:
            raise queue_not_found(queue)
        return asked

    async def partial(self, names: Iterable[str], ask: Ask[T], *, lacking: str = "") -> Partial[T]:
        """Every answer of these shards, and those without one; with `lacking`, one without that queue is skipped."""
        found: Partial[T] = Partial()
        asked = (self.gather(found, name, ask, lacking=lacking) for name in names)
        for ended in await asyncio.gather(*asked, return_exceptions=True):
            if ended is not None:  # only after all have answered
                raise ended
        return found

    async def gather(self, found: Partial[T], name: str, ask: Ask[T], *, lacking: str = "") -> None:
        """Add one shard's answer to the results, or its lack of one."""
        try:
            found.answers[name] = await self.ask(name, ask)
        except BackendDown as error:
            found.missing[name] = error
        except PinLaterException as error:
            if not (lacking and is_code(error, ErrorCode.QUEUE_NOT_FOUND)):
                raise

    async def ask(self, name: str, ask: Ask[T]) -> T:
        """One shard's answer. Raises `BackendDown` at once while it is unhealthy."""
        shard = self._shards[name]
        if not shard.well and len(self._shards) > 1:
            raise shard.down()
        return await shard.ask(ask)

    async def live_servers(self, owner: str, now_ms: int) -> int:
        """Note on every shard that this server lives; returns the highest number of live servers on a shard."""
        counts = await self.partial(self._shards, lambda one: one.live_servers(owner, now_ms))
        return max(counts.answers.values(), default=1)

    # --- jobs ---

    async def enqueue(self, queue: str, jobs: Sequence[PinLaterJob], now_ms: int) -> tuple[str, ...]:
        """Each job goes to a random shard that takes jobs; descriptors in the order of the jobs."""
        names = [name for name, shard in self._shards.items() if not shard.dequeue_only]
        if not names:
            raise refusal(ErrorCode.ENQUEUE_REJECTED, "every shard is dequeue-only: add one that takes jobs")
        well = [name for name in names if self._shards[name].well] or names
        chosen = self._random.choices(well, k=len(jobs))
        descriptors = [""] * len(jobs)
        for name in sorted(set(chosen)) or well[:1]:
            places = [place for place, other in enumerate(chosen) if other == name]
            others = [other for other in names if other != name]
            self._random.shuffle(others)
            stored = await self._store((name, *others), queue, [jobs[place] for place in places], now_ms)
            for place, descriptor in zip(places, stored, strict=True):
                descriptors[place] = descriptor
        return tuple(descriptors)

    async def _store(
        self, names: Iterable[str], queue: str, jobs: Sequence[PinLaterJob], now_ms: int
    ) -> tuple[str, ...]:
        """Store on the first of these shards that takes them."""
        errors: dict[str, BackendDown] = {}
        for name in names:
            try:
                try:
                    return await self.ask(name, lambda one: one.enqueue(queue, jobs, now_ms))
                except PinLaterException as error:
                    if not is_code(error, ErrorCode.QUEUE_NOT_FOUND):
                        raise
                    await self._make_up(name, queue, now_ms)
                    return await self.ask(name, lambda one: one.enqueue(queue, jobs, now_ms))
            except BackendDown as error:
                errors[name] = error
        raise none_healthy(errors)

    async def _make_up(self, name: str, queue: str, now_ms: int) -> None:
        """Make the queue on a shard that was down, or didn't exist, when it was made. Raises QUEUE_NOT_FOUND."""
        others = await self.partial(set(self._shards) - {name}, lambda one: one.outlook(queue), lacking=queue)
        if not others.answers:
            raise queue_not_found(queue)
        await self.ask(name, lambda one: one.create_queue(queue, now_ms))
        if any(outlook.paused for outlook in others.answers.values()):
            await self.ask(name, lambda one: one.pause(queue, True))

    async def dequeue(self, wanted: DequeueRequest, coverage: float) -> list[DequeuedJob]:
        """The first priority of every shard asked, then the second, ...; the jobs of the shards that answer.

        Raises NO_HEALTHY_SHARDS if none of those asked answers; if there is no job, QUEUE_NOT_FOUND if all
        lack the queue, DEQUEUE_RATE_LIMITED if one says that it is paused.
        """
        names = self._covered(coverage)
        if len(self._shards) == 1:
            return await self.ask(names[0], lambda one: wanted.ask(one, wanted.priorities, wanted.limit))
        if wanted.most_claimed == NO_CAP:
            return await self._in_turn(wanted, names, wanted.limit)
        async with self._capped.setdefault(wanted.queue, asyncio.Lock()):
            claims = Span(PinLaterJobState.IN_PROGRESS, wanted.priorities)
            claimed = await self.of_queue(wanted.queue, lambda one: one.count(wanted.queue, claims))
            left = wanted.most_claimed - sum(claimed.answers.values())
            return await self._in_turn(wanted, names, min(wanted.limit, left)) if left > 0 else []

    async def _in_turn(self, wanted: DequeueRequest, names: Sequence[str], limit: int) -> list[DequeuedJob]:
        found: list[DequeuedJob] = []
        down: dict[str, BackendDown] = {}
        refused: dict[str, PinLaterException] = {}
        for priority in wanted.priorities:
            for name in names:
                if len(found) >= limit or name in down or name in refused:
                    continue
                try:
                    found += await self.ask(name, partial(wanted.ask, priorities=(priority,), left=limit - len(found)))
                except BackendDown as error:
                    down[name] = error
                except PinLaterException as error:
                    refused[name] = error
        if not found:
            _tell_refusals(refused, down, len(names))
        return found

    def _covered(self, coverage: float) -> list[str]:
        """That share of the healthy shards, at random, in random order; at least one."""
        share = coverage if 0 <= coverage <= 1 else 1.0  # NaN too
        names = [name for name, shard in self._shards.items() if shard.well] or list(self._shards)
        return self._random.sample(names, max(1, ceil(share * len(names))))

    async def ack(
        self,
        queue: str,
        succeeded: Iterable[tuple[JobDescriptor, PinLaterJobAckInfo]],
        failed: Iterable[tuple[JobDescriptor, PinLaterJobAckInfo]],
        now_ms: int,
    ) -> Acked:
        """Each ack to its job's shard; those of the healthy shards are done even if another is down."""
        done, lost = self._by_shard(succeeded), self._by_shard(failed)
        counts = await self.partial(
            done.keys() | lost.keys(),
            lambda one: one.ack(queue, done.get(one.shard, ()), lost.get(one.shard, ()), now_ms),
        )
        whole = counts.whole("the acks of the other shards' jobs are done")
        return Acked(sum(each.succeeded for each in whole), sum(each.failed for each in whole))

    async def checkpoint(
        self,
        queue: str,
        source: str,
        requests: Iterable[tuple[JobDescriptor, PinLaterCheckpointJobRequest]],
        now_ms: int,
    ) -> int:
        """Like `ack`; returns the number of changed jobs."""
        wanted = self._by_shard(requests)
        counts = await self.partial(wanted, lambda one: one.checkpoint(queue, source, wanted[one.shard], now_ms))
        return sum(counts.whole("the checkpoints of the other shards' jobs are done"))

    async def lookup(self, jobs: Iterable[JobDescriptor], include_body: bool) -> dict[JobDescriptor, PinLaterJobInfo]:
        """The jobs that exist. A job of a shard that isn't ours doesn't."""
        groups: dict[str, dict[str, list[JobDescriptor]]] = {}
        for job in jobs:
            if job.shard in self._shards:
                groups.setdefault(job.shard, {}).setdefault(job.queue, []).append(job)

        async def look(one: Backend) -> dict[JobDescriptor, PinLaterJobInfo]:
            found: dict[JobDescriptor, PinLaterJobInfo] = {}
            for queue, wanted in groups[one.shard].items():
                infos = await one.lookup(queue, [job.local_id for job in wanted], include_body)
                found |= {job: infos[job.local_id] for job in wanted if job.local_id in infos}
            return found

        found = await self.partial(groups, look)
        wanted = sum(len(jobs) for name in found.missing for jobs in groups[name].values())
        infos: dict[JobDescriptor, PinLaterJobInfo] = {}
        for each in found.whole(f"{wanted} of the jobs asked for are theirs"):
            infos |= each
        return infos

    def _by_shard(self, asked: Iterable[tuple[JobDescriptor, T]]) -> dict[str, list[tuple[int, T]]]:
        groups: dict[str, list[tuple[int, T]]] = {}
        for job, what in asked:
            if job.shard not in self._shards:
                raise refusal(ErrorCode.UNKNOWN, f"jobDescriptor: there is no shard {job.shard!r}")
            groups.setdefault(job.shard, []).append((job.local_id, what))
        return groups


def _tell_refusals(refused: Mapping[str, PinLaterException], down: Mapping[str, BackendDown], asked: int) -> None:
    """Raise the reason why there is no job, unless none is ready. A queue that some shards lack exists on others."""
    if len(down) == asked:
        raise none_healthy(down)
    other = [error for error in refused.values() if not is_code(error, ErrorCode.QUEUE_NOT_FOUND)]
    if other:
        raise other[0]
    if refused and len(refused) + len(down) == asked:
        raise next(iter(refused.values()))
