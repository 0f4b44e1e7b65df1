"""An observer of the steps that each job enters, for the tests that kill workers in every step.

It stands before the services that a worker calls: such a call is a step of the present job. Without a listener it
returns everything unchanged, and no other module knows of steps.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, cast

import orjson

from crawler.job.follower import Follower
from crawler.job.job_queues import JobQueues
from crawler.visit.visitor import Visitor
from pinlater.worker import ClaimedJob, Task
from thrift_idl.gen.fetcher.ttypes import FetchResult
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.gen.pinlater.protocol import PinLater

#: `done`: the job has left its last step, its ack or its checkpoint is sent.
Step = Literal["fetch", "extract", "put", "enqueue", "publish", "link", "ack", "give_back", "done"]
Prepare = Callable[[Sequence[ClaimedJob]], Awaitable[Sequence[Task]]]
S = TypeVar("S")

#: Names the folder in which each worker writes its steps. Tests alone set it.
STEPS_FOLDER = "ARAGOG_TORTURE_STEPS"
_STORE: Mapping[str, Step] = {"put_page": "put", "touch_page": "put", "put_outcome": "put", "link_pages": "link"}
_FOLLOWER: Mapping[str, Step] = {"follow": "enqueue", "follow_redirect": "enqueue", "follow_up": "enqueue"}
_ENDS = ("dequeueJobs", "dequeueJobsWait", "ackDequeuedJobs", "checkpointJobs")

#: (descriptor, URL) of the jobs that the running task works on.
_in_hand: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("_in_hand", default=())


class JobSteps(Protocol):
    """Told as a job (its descriptor) enters a step."""

    def __call__(self, step: Step, job: str, url: str = "", /) -> None:
        """`job` enters `step`; `url` where the step is about one."""
        ...


class StepFile:
    """Steps as lines `step job url` of a file: written at once, so that they outlive a killed process."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file can't be made."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def __call__(self, step: Step, job: str, url: str = "", /) -> None:
        """Append one line."""
        os.write(self._file, f"{step} {job} {url}\n".encode())


class StepObserver:
    """Stands before the services of a worker, and tells steps to `listener`; None = no listener."""

    def __init__(self, listener: JobSteps | None) -> None:
        self._listener = listener

    @classmethod
    def of_environment(cls) -> StepObserver:
        """Writes a file into the folder that a test names; without one, there is no listener."""
        folder = os.environ.get(STEPS_FOLDER)
        return cls(StepFile(Path(folder) / f"{os.getpid()}") if folder else None)

    def pinlater(self, service: PinLater) -> PinLater:
        """Tells `done` of every job whose ack or return PinLater has taken."""
        return self._before(service, _AfterSending)

    def queues(self, pinlater: PinLater, source: str) -> JobQueues:
        """The crawl's queues over `pinlater`: tell `ack` and `give_back`."""
        return JobQueues(pinlater, source) if self._listener is None else _Queues(pinlater, source, self._listener)

    def visitor(self, visitor: Visitor) -> Visitor:
        """Tells `fetch` and `extract`; `put` is told by the store that `visitor` was given."""
        if self._listener is None:
            return visitor

        async def extract(fetched: FetchResult) -> PageRecord:
            self._tell("extract")
            return await visitor.extract(fetched)

        return replace(visitor, fetcher=self._telling(visitor.fetcher, {"fetch": "fetch"}), extract=extract)

    def store(self, store: S) -> S:
        """A UrlStore that tells `put` and `link`."""
        return self._telling(store, _STORE)

    def signals(self, signals: S) -> S:
        """A publisher that tells `publish`."""
        return self._telling(signals, {"publish": "publish"})

    def follower(self, follower: Follower) -> Follower:
        """Tells `enqueue`."""
        return self._telling(follower, _FOLLOWER)

    def prepare(self, prepare: Prepare) -> Prepare:
        """The same tasks; each knows its jobs. Without this only acks are told."""
        if self._listener is None:
            return prepare

        async def prepared(held: Sequence[ClaimedJob]) -> Sequence[Task]:
            return [Task(each.held, _with_jobs_in_hand(each)) for each in await prepare(held)]

        return prepared

    def _telling(self, service: S, steps: Mapping[str, Step]) -> S:
        return self._before(service, lambda whole, _: _BeforeCalls(whole, steps, self._tell))

    def _before(self, service: S, wrapper: Callable[[object, JobSteps], object]) -> S:
        return service if self._listener is None else cast(S, wrapper(service, self._listener))

    def _tell(self, step: Step, urls: Sequence[str] | None = None) -> None:
        """Tell the step of all present jobs, or of those about `urls`."""
        for descriptor, url in _in_hand.get():
            if self._listener and (urls is None or url in urls):
                self._listener(step, descriptor, url)


class _BeforeCalls:
    """A service; the calls that are steps are told before they are made."""

    def __init__(self, service: object, steps: Mapping[str, Step], tell: Callable[..., None]) -> None:
        self._service, self._steps, self._tell = service, steps, tell

    def __getattr__(self, name: str) -> Any:
        method, step = getattr(self._service, name), self._steps.get(name)
        if step is None:
            return method

        @wraps(method)
        async def told(*arguments: Any) -> Any:
            self._tell(step, arguments[0].urls if name == "link_pages" else None)
            return await method(*arguments)

        return told


class _AfterSending:
    """PinLater; what a call has acked or given back is told when PinLater has answered it."""

    def __init__(self, service: object, listener: JobSteps) -> None:
        self._service, self._listener = service, listener

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._service, name)
        if name not in _ENDS:
            return method

        @wraps(method)
        async def told(context: Any, request: Any, *more: Any) -> Any:
            answer = await method(context, request, *more)
            for descriptor in _ended_by(request):
                self._listener("done", descriptor)
            return answer

        return told


class _Queues(JobQueues):
    """The crawl's queues; what is gathered is told."""

    def __init__(self, pinlater: PinLater, source: str, listener: JobSteps) -> None:
        super().__init__(pinlater, source)
        self._listener = listener

    def ack(self, held: ClaimedJob, status: str = "") -> None:
        super().ack(held, status)
        self._listener("ack", held.descriptor)

    def fail(self, held: ClaimedJob, delay_ms: int, status: str = "") -> None:
        super().fail(held, delay_ms, status)
        self._listener("ack", held.descriptor)

    def give_back(
        self, held: ClaimedJob, delay_ms: int, body: bytes | None = None, attempts: int | None = None
    ) -> None:
        super().give_back(held, delay_ms, body, attempts)
        self._listener("give_back", held.descriptor)


def _ended_by(request: Any) -> Sequence[str]:
    """Descriptors of the jobs that a request of `_ENDS` acks or gives back."""
    if hasattr(request, "requests"):
        return [each.jobDescriptor for each in request.requests if each.moveToPending]
    acks = request.jobAckRequest if hasattr(request, "jobAckRequest") else request
    if acks is None:
        return []
    return [each.jobDescriptor for each in (*(acks.jobsSucceeded or ()), *(acks.jobsFailed or ()))]


async def _with_jobs_in_hand(task: Task) -> None:
    _in_hand.set(tuple((each.descriptor, orjson.loads(each.body)["url"]) for each in task.held))
    await task.work
