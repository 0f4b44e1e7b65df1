"""Whatever is done in whatever order, a backend and a plain dict agree on every job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinlater import Backend, Monitor, MonitorRules, PinLaterService, QueueRules
from pinlater.backends.sqlite import SqliteBackend
from tests.property.pinlater.model import Model
from tests.support.examples import examples
from tests.support.pinlater_caller import SETTINGS, START_MS, Caller, Clock
from thrift_idl.gen.pinlater.ttypes import PinLaterJob

TIMEOUT_MS = 50
times = st.sampled_from([-60, -1, 0, 1, 30])
sources = st.sampled_from(["a", "ab", "b"])
places = st.integers(0, 9)
claims = st.sampled_from(["none", "living", "dead"])
maybe_time = st.none() | times
STEPS = st.one_of(
    st.tuples(st.just("enqueue"), st.integers(1, 3), maybe_time, st.integers(1, 3)),
    st.tuples(st.just("dequeue"), sources, st.integers(1, 4)),
    st.tuples(st.just("ack"), places, claims, st.booleans(), st.integers(0, 40)),
    st.tuples(
        st.just("checkpoint"), places, claims, sources, st.booleans(), maybe_time,
        st.none() | st.text("xy", max_size=2), st.none() | st.integers(1, 3),
    ),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, TIMEOUT_MS])),
    st.tuples(st.just("time_out")),
    st.tuples(st.just("release"), sources),
)  # fmt: skip


class Both:
    """The same steps done to a backend and to the model."""

    def __init__(self, backend: Backend, queue: str) -> None:
        self.clock = Clock()
        self.model = Model()
        self.service = PinLaterService([backend], "o:1:1", SETTINGS, self.clock)
        rules = MonitorRules(default=QueueRules(claim_timeout_ms=TIMEOUT_MS, cycle_ms=0, updates=None))
        self.monitor = Monitor([backend], rules, self.clock)
        self.caller = Caller(self.service, queue=queue)
        self.jobs: list[str] = []

    def of(self, source: str) -> Caller:
        return Caller(self.service, source, self.caller.queue)

    def at(self, offset: int | None) -> int | None:
        return None if offset is None else self.clock.ms + offset

    def claim(self, n: int, which: str) -> tuple[str | None, str | None]:
        """The model's name of a claim, and the wire's."""
        if which == "none":
            return None, None
        living = self.model.jobs[n].claim
        number = living if which == "living" and living else "0"
        source = self.model.jobs[n].source or "a"
        return number, f"o:1:1:{source}:{number}"

    async def enqueue(self, priority: int, offset: int | None, attempts: int) -> None:
        body = f"{len(self.jobs)}".encode()
        run_after = self.at(offset)
        fields = {"priority": priority, "runAfterTimestampMillis": run_after, "numAttemptsAllowed": attempts}
        self.jobs += await self.caller.enqueue([PinLaterJob(body, **fields)])  # type: ignore[arg-type]  # ints
        now = self.clock.ms
        self.model.enqueue(body, priority, now if run_after is None else run_after, attempts, now)

    async def dequeue(self, source: str, limit: int) -> None:
        expected = [self.jobs[n] for n in self.model.dequeue(source, limit, self.clock.ms)]
        assert await self.of(source).take(limit) == expected

    async def ack(self, place: int, which: str, ok: bool, delay: int) -> None:
        if self.jobs:
            n = place % len(self.jobs)
            claim, named = self.claim(n, which)
            done, failed = ([self.jobs[n]], []) if ok else ([], [self.jobs[n]])
            await self.caller.ack(done, failed, claimDescriptor=named, retryDelayMillis=delay)
            self.model.ack(n, claim, ok, delay, self.clock.ms)

    async def checkpoint(
        self,
        place: int,
        which: str,
        source: str,
        back: bool,
        offset: int | None,
        text: str | None,
        tries: int | None,
    ) -> None:
        if self.jobs:
            n = place % len(self.jobs)
            claim, named = self.claim(n, which)
            run_after = self.at(offset)
            await self.of(source).checkpoint(
                self.jobs[n], claimDescriptor=named, moveToPending=back, runAfterTimestampMillis=run_after,
                newBody=text, numOfAttemptsAllowed=tries,
            )  # fmt: skip
            body = None if text is None else text.encode()
            self.model.checkpoint(
                n, claim, source, back=back, run_after=run_after, body=body, attempts=tries, now=self.clock.ms
            )

    async def wait(self, ms: int) -> None:
        self.clock.ms += ms

    async def time_out(self) -> None:
        await self.monitor.look_after_all()
        self.model.time_out(self.clock.ms - TIMEOUT_MS, self.clock.ms)

    async def release(self, prefix: str) -> None:
        await self.service.release_claims(prefix)
        self.model.release(prefix, self.clock.ms)

    async def agree(self) -> None:
        found = await self.caller.lookup(*self.jobs, body=True)
        counts = await self.caller.counts()
        assert counts == [sum(job.state == state for job in self.model.jobs) for state in range(4)]
        for info, job in zip(found, self.model.jobs, strict=True):
            claim = None if job.claim is None else f"o:1:1:{job.source}:{job.claim}"
            assert (info.jobState, info.body, info.runAfterTimestampMillis) == (job.state, job.body, job.run_after)
            assert (info.attemptsAllowed, info.attemptsRemaining) == (job.allowed, job.remaining)
            assert (info.claimDescriptor, info.updatedAtTimestampMillis) == (claim, job.touched)


async def follow(opened: Callable[[], Awaitable[Backend]], steps: list[tuple[Any, ...]]) -> None:
    backend = await opened()
    try:
        both = Both(backend, f"q{uuid4().hex}")
        await both.caller.create()
        assert both.clock.ms == START_MS
        for name, *arguments in steps:
            await getattr(both, name)(*arguments)
            await both.agree()
        await both.service.drop_queue(both.caller.queue)
    finally:
        await backend.close()


@settings(max_examples=examples(150))
@given(st.lists(STEPS, min_size=20, max_size=50))
def test_sqlite_and_the_model_agree(steps: list[tuple[Any, ...]]) -> None:
    asyncio.run(follow(lambda: SqliteBackend.open("sqlite:///:memory:"), steps))


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=20, max_size=50))
def test_redis_and_the_model_agree(redis_durable_url: str, steps: list[tuple[Any, ...]]) -> None:
    from pinlater.backends.redis import RedisBackend

    asyncio.run(follow(lambda: RedisBackend.open(redis_durable_url), steps))
