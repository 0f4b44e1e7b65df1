"""PinLater in a dict: what the backends are compared with. Written from the contract, sharing no code with them."""

from __future__ import annotations

from dataclasses import dataclass

PENDING, IN_PROGRESS, SUCCEEDED, FAILED = range(4)


@dataclass
class Job:
    body: bytes
    priority: int
    run_after: int
    allowed: int
    remaining: int
    touched: int
    state: int = PENDING
    claim: str | None = None
    source: str | None = None
    until: int = 0


class Model:
    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.claims = 0

    def enqueue(self, body: bytes, priority: int, run_after: int, attempts: int, now: int) -> None:
        self.jobs.append(Job(body, priority, run_after, attempts, attempts, now))

    def dequeue(self, source: str, limit: int, now: int) -> list[int]:
        self.claims += 1
        ready = [n for n, job in enumerate(self.jobs) if job.state == PENDING and job.run_after <= now]
        ready.sort(key=lambda n: (self.jobs[n].priority, self.jobs[n].run_after, n))
        for n in ready[:limit]:
            job = self.jobs[n]
            job.state, job.claim, job.source, job.until, job.touched = IN_PROGRESS, f"{self.claims}", source, now, now
        return ready[:limit]

    def ack(self, n: int, claim: str | None, ok: bool, delay: int, now: int) -> None:
        job = self.jobs[n]
        if job.state != IN_PROGRESS or claim not in (None, job.claim):
            return
        if ok:
            job.state, job.touched = SUCCEEDED, now
        else:
            self._spend(job, now + delay, now)

    def checkpoint(
        self, n: int, claim: str | None, source: str, *, back: bool, run_after: int | None,
        body: bytes | None, attempts: int | None, now: int,
    ) -> None:  # fmt: skip
        job = self.jobs[n]
        if job.state != IN_PROGRESS or (job.source != source if claim is None else job.claim != claim):
            return
        job.run_after = now if run_after is None else run_after
        job.until, job.touched = max(job.run_after, now), now
        job.body = job.body if body is None else body
        if attempts is not None:
            job.allowed = job.remaining = attempts
        if back:
            job.state, job.claim, job.source = PENDING, None, None

    def time_out(self, before: int, now: int) -> None:
        for job in self.jobs:
            if job.state == IN_PROGRESS and job.until < before:
                self._spend(job, now, now)

    def release(self, prefix: str, now: int) -> None:
        for job in self.jobs:
            if job.state == IN_PROGRESS and (job.source or "").startswith(prefix):
                self._spend(job, now, now)

    def _spend(self, job: Job, run_after: int, now: int) -> None:
        job.touched = now
        if job.remaining > 1:
            job.state, job.remaining, job.run_after = PENDING, job.remaining - 1, run_after
            job.claim = job.source = None
        else:
            job.state, job.remaining = FAILED, 0
