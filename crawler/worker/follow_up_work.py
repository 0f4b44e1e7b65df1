"""The work on follow-up jobs: publish a page, link pages, and the end of a job that fails again and again."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec.structs import replace

from crawler.job.follow_up_jobs import FollowUp
from crawler.job.job_queues import JobQueues
from crawler.worker.worker_progress import WorkerProgress
from pinlater.worker import BackendHealth, ClaimedJob, Task
from thrift_idl.errors import InvalidRequest, is_of_a_backend
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import LinkPagesRequest
from thrift_idl.publishing import ImagesPending, PagePublisher, Published

#: Errors of ours after which a job is set aside; after an earlier one it comes again.
MAX_FAILURES = 3
#: After this many losses with its worker, a job is linked by itself: other jobs don't count against it.
LOST_RUNS_ALONE = 3
#: After this many losses it is set aside.
LOST_SET_ASIDE = 8
_AGAIN_MS = 1_000
_DIED = "its workers died with it"

_log = logging.getLogger(__name__)


class FollowUpWork:
    """A worker's operations on follow-up jobs. `publish` and `link` fit a `Pump`."""

    def __init__(
        self,
        *,
        signals: PagePublisher,
        store: UrlStore,
        jobs: JobQueues,
        health: BackendHealth,
        progress: WorkerProgress,
        source: str,
    ) -> None:
        self._signals = signals
        self._store = store
        self._jobs = jobs
        self._health = health
        self._progress = progress
        self._context = Context(source)

    async def publish(self, held: Sequence[ClaimedJob]) -> Sequence[Task]:
        """A task a job."""
        return [Task((each,), self._publish(each, job)) for each, job in self._read(held)]

    async def link(self, held: Sequence[ClaimedJob]) -> Sequence[Task]:
        """One task for all: the store writes their common part once. Jobs with many losses have one each."""
        read = self._read(held)
        together = [each for each in read if each[0].lost < LOST_RUNS_ALONE]
        parts = [*([together] if together else []), *([each] for each in read if each[0].lost >= LOST_RUNS_ALONE)]
        return [Task(tuple(each for each, _ in part), self._link(part)) for part in parts]

    def _read(self, held: Sequence[ClaimedJob]) -> list[tuple[ClaimedJob, FollowUp]]:
        read = []
        for each in held:
            try:
                read.append((each, FollowUp.decode(each.body)))
            except InvalidRequest as error:
                self._jobs.ack(each, f"bad job: {error}"[:500])
        return read

    async def _publish(self, held: ClaimedJob, job: FollowUp) -> None:
        if held.lost >= LOST_SET_ASIDE:
            await self._set_aside(held, job, _DIED)
            return
        try:
            await self._published(held, job)
        except Exception as error:  # unforeseen, or a damaged row: for now this page loses its event
            if is_of_a_backend(error):
                raise
            await self._failed(held, job, error)

    async def _published(self, held: ClaimedJob, job: FollowUp) -> None:
        ending = await self._health.persistently(lambda: self._signals.publish(job.url, self._context))
        if isinstance(ending, ImagesPending):
            self._jobs.give_back(held, ending.delay_ms)
            return
        self._progress.published += isinstance(ending, Published)
        self._jobs.ack(held)

    async def _link(self, read: Sequence[tuple[ClaimedJob, FollowUp]]) -> None:
        """An error comes from one page among them: each is then linked by itself."""
        if read[0][0].lost >= LOST_SET_ASIDE:
            await self._set_aside(*read[0], _DIED)
            return
        try:
            await self._linked(read)
        except Exception as error:
            if is_of_a_backend(error):
                raise
            if len(read) == 1:
                await self._failed(*read[0], error)
                return
            for each in read:
                await self._link((each,))

    async def _linked(self, read: Sequence[tuple[ClaimedJob, FollowUp]]) -> None:
        urls = tuple(dict.fromkeys(job.url for _, job in read))
        await self._health.persistently(lambda: self._store.link_pages(LinkPagesRequest(self._context, urls)))
        self._progress.linked += len(urls)
        for held, _ in read:
            self._jobs.ack(held)

    async def _failed(self, held: ClaimedJob, job: FollowUp, error: Exception) -> None:
        """An error of ours: the job comes again a few times, then it is set aside."""
        _log.error("%s of %s failed (job %s)", held.queue, job.url, held.descriptor, exc_info=error)
        failed = replace(job, failures=job.failures + 1)
        if failed.failures < MAX_FAILURES:
            self._jobs.give_back(held, _AGAIN_MS << failed.failures, failed.encode())
        else:
            await self._set_aside(held, job, f"{type(error).__name__}: {error}")

    async def _set_aside(self, held: ClaimedJob, job: FollowUp, why: str) -> None:
        _log.error("%s of %s is set aside: %s; aragog queue retry %s", held.queue, job.url, why, held.queue)
        await self._health.persistently(lambda: self._jobs.set_aside(held, why))
        self._progress.set_aside += 1
