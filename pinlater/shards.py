"""Several backends as one: who is asked, in which order, and what happens when one of them doesn't answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from math import ceil
from random import Random
from typing import TypeVar

from pinlater.backends import Acked, Backend, DequeuedJob
from pinlater.descriptors import Claim, JobDescriptor
from pinlater.errors import refusal
from pinlater.telemetry import Telemetry
from thrift_idl.errors import BackendDown
from thrift_idl.gen.pinlater.ttypes import (
    ErrorCode,
    PinLaterCheckpointJobRequest,
    PinLaterJob,
    PinLaterJobAckInfo,
    PinLaterJobInfo,
)

T = TypeVar("T")


class Shards:
    """The backends of one PinLater, by the names that their descriptors carry.

    A shard that is down is routed around where that loses nothing: another takes the jobs, the others give theirs.
    Where it would (acks, look-ups, counts), the caller is told.
    """

    def __init__(self, backends: Iterable[Backend], random: Random, telemetry: Telemetry) -> None:
        self._backends = {backend.shard: backend for backend in backends}
        self._random = random
        self._telemetry = telemetry

    @property
    def backends(self) -> tuple[Backend, ...]:
        """All of them."""
        return tuple(self._backends.values())

    async def all(self, ask: Callable[[Backend], Awaitable[T]]) -> list[T]:
        """Every shard's answer. Raises `BackendDown` if one has none."""
        return await self._some(self._backends, ask)

    async def enqueue(self, queue: str, jobs: Sequence[PinLaterJob], now_ms: int) -> tuple[str, ...]:
        """Each job goes to a random shard; descriptors in the order of the jobs."""
        names = tuple(self._backends)
        if len(names) == 1:
            return await self._enqueue_one(names[0], queue, jobs, now_ms)
        chosen = self._random.choices(names, k=len(jobs))
        descriptors = [""] * len(jobs)
        for name in set(chosen) or {names[0]}:
            places = [place for place, other in enumerate(chosen) if other == name]
            stored = await self._enqueue_one(name, queue, [jobs[place] for place in places], now_ms)
            for place, descriptor in zip(places, stored, strict=True):
                descriptors[place] = descriptor
        return tuple(descriptors)

    async def _enqueue_one(self, name: str, queue: str, jobs: Sequence[PinLaterJob], now_ms: int) -> tuple[str, ...]:
        """To that shard, or to the first other one that takes them."""
        others = [other for other in self._backends if other != name]
        self._random.shuffle(others)
        return await self._first((name, *others), lambda backend: backend.enqueue(queue, jobs, now_ms))

    async def _first(self, names: Iterable[str], ask: Callable[[Backend], Awaitable[T]]) -> T:
        errors: list[BackendDown] = []
        for name in names:
            try:
                return await self._noted(self._backends[name], ask)
            except BackendDown as error:
                errors.append(error)
        raise _none_healthy(errors)

    async def dequeue(
        self, queue: str, claim: Claim | None, priorities: Sequence[int], limit: int, coverage: float, now_ms: int
    ) -> list[DequeuedJob]:
        """The first priority of every shard asked, then the second, ...; what there is of the shards that answer.

        Without a claim nothing is claimed. Raises NO_HEALTHY_SHARDS if none of those asked answers.
        """

        def ask(wanted: Sequence[int], left: int, backend: Backend) -> Awaitable[list[DequeuedJob]]:
            if claim is None:
                return backend.peek(queue, wanted, left, now_ms)
            return backend.dequeue(queue, claim, wanted, left, now_ms)

        asked = self._covered(coverage)
        if len(self._backends) == 1:
            return await ask(priorities, limit, asked[0])
        found: list[DequeuedJob] = []
        down: dict[str, BackendDown] = {}
        for wanted in priorities:
            for backend in asked:
                if len(found) >= limit or backend.shard in down:
                    continue
                try:
                    found += await self._noted(backend, partial(ask, (wanted,), limit - len(found)))
                except BackendDown as error:
                    down[backend.shard] = error
        if len(down) == len(asked):
            raise _none_healthy(list(down.values()))
        return found

    def _covered(self, coverage: float) -> list[Backend]:
        """That share of the shards, at random, in random order; at least one."""
        share = coverage if 0 <= coverage <= 1 else 1.0  # NaN too
        count = max(1, ceil(share * len(self._backends)))
        return self._random.sample(self.backends, count)

    async def ack(
        self,
        queue: str,
        succeeded: Iterable[tuple[JobDescriptor, PinLaterJobAckInfo]],
        failed: Iterable[tuple[JobDescriptor, PinLaterJobAckInfo]],
        now_ms: int,
    ) -> Acked:
        """Each ack to its job's shard; those of the healthy shards are done even if another is down."""
        done, lost = self._by_shard(succeeded), self._by_shard(failed)
        counts = await self._some(
            done.keys() | lost.keys(),
            lambda one: one.ack(queue, done.get(one.shard, ()), lost.get(one.shard, ()), now_ms),
        )
        return Acked(sum(each.succeeded for each in counts), sum(each.failed for each in counts))

    async def checkpoint(
        self,
        queue: str,
        source: str,
        requests: Iterable[tuple[JobDescriptor, PinLaterCheckpointJobRequest]],
        now_ms: int,
    ) -> int:
        """As `ack`; how many jobs were changed."""
        wanted = self._by_shard(requests)
        return sum(await self._some(wanted, lambda one: one.checkpoint(queue, source, wanted[one.shard], now_ms)))

    async def lookup(self, jobs: Iterable[JobDescriptor], include_body: bool) -> dict[JobDescriptor, PinLaterJobInfo]:
        """Those of the jobs that exist. A job of a shard that isn't ours doesn't."""
        groups: dict[tuple[str, str], list[JobDescriptor]] = {}
        for job in jobs:
            if job.shard in self._backends:
                groups.setdefault((job.shard, job.queue), []).append(job)
        found: dict[JobDescriptor, PinLaterJobInfo] = {}
        for (shard, queue), wanted in groups.items():
            local_ids = [job.local_id for job in wanted]
            infos = await self._backends[shard].lookup(queue, local_ids, include_body)
            found |= {job: infos[job.local_id] for job in wanted if job.local_id in infos}
        return found

    def _by_shard(self, asked: Iterable[tuple[JobDescriptor, T]]) -> dict[str, list[tuple[int, T]]]:
        groups: dict[str, list[tuple[int, T]]] = {}
        for job, what in asked:
            if job.shard not in self._backends:
                raise refusal(ErrorCode.UNKNOWN, f"jobDescriptor: there is no shard {job.shard!r}")
            groups.setdefault(job.shard, []).append((job.local_id, what))
        return groups

    async def _some(self, names: Iterable[str], ask: Callable[[Backend], Awaitable[T]]) -> list[T]:
        """Every answer of these shards; an error only once all have answered."""
        asked = (self._noted(self._backends[name], ask) for name in names)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in answers if not isinstance(answer, BaseException)]

    async def _noted(self, backend: Backend, ask: Callable[[Backend], Awaitable[T]]) -> T:
        try:
            return await ask(backend)
        except BackendDown as error:
            self._telemetry.shard_failed(backend.shard, str(error))
            raise


def _none_healthy(errors: Sequence[BackendDown]) -> BaseException:
    """One shard's own error says most; of several, that none answered."""
    if len(errors) == 1:
        return errors[0]
    return refusal(ErrorCode.NO_HEALTHY_SHARDS, "no shard answers: " + "; ".join(str(error) for error in errors))
