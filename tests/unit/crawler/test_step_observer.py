"""The steps of a worker's jobs, as kill tests hear them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from crawler.worker.step_observer import StepFile, StepObserver
from pinlater.worker import ClaimedJob, Task
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterCheckpointJobRequest,
    PinLaterCheckpointJobsRequest,
    PinLaterDequeueRequest,
    PinLaterJobAckInfo,
    PinLaterJobAckRequest,
)

ONE = ClaimedJob("q", "job-1", "claim", b'{"v": 1, "url": "http://a.test/1"}', 0)
TWO = ClaimedJob("q", "job-2", "claim", b'{"v": 1, "url": "http://a.test/2"}', 0)


class Heard:
    def __init__(self) -> None:
        self.steps: list[tuple[str, ...]] = []

    def __call__(self, step: str, job: str, url: str = "", /) -> None:
        self.steps.append((step, job, url) if url else (step, job))


class Services:
    """A store and a queue that take everything."""

    async def put_page(self, request: Any) -> str:
        return "stored"

    async def link_pages(self, request: Any) -> None: ...

    async def lookup(self, request: Any) -> None: ...

    async def dequeueJobs(self, context: Any, request: Any) -> str:
        return "jobs"

    ackDequeuedJobs = checkpointJobs = dequeueJobs


async def run(observer: StepObserver, *tasks: Task) -> None:
    async def prepare(held: Sequence[ClaimedJob]) -> Sequence[Task]:
        return tasks

    found = await observer.prepare(prepare)([each for task in tasks for each in task.held])
    await asyncio.gather(*(asyncio.create_task(task.work) for task in found))


async def test_a_call_is_a_step_of_the_job_in_hand_and_jobs_at_the_same_time_are_not_mixed_up() -> None:
    heard = Heard()
    observer = StepObserver(heard)
    store = observer.store(Services())

    async def work() -> None:
        await store.lookup(None)
        await asyncio.sleep(0)
        assert await store.put_page(None) == "stored"

    await run(observer, Task((ONE,), work()), Task((TWO,), work()))
    assert sorted(heard.steps) == [("put", "job-1", "http://a.test/1"), ("put", "job-2", "http://a.test/2")]


async def test_a_link_pass_is_a_step_of_those_jobs_whose_pages_it_links() -> None:
    heard = Heard()
    observer = StepObserver(heard)
    store = observer.store(Services())
    await run(observer, Task((ONE, TWO), store.link_pages(SimpleNamespace(urls=("http://a.test/2",)))))
    assert heard.steps == [("link", "job-2", "http://a.test/2")]


async def test_a_job_is_done_once_pinlater_has_taken_its_ack_or_its_return() -> None:
    heard = Heard()
    pinlater: Any = StepObserver(heard).pinlater(Services())  # type: ignore[arg-type]
    acks = PinLaterJobAckRequest("q", (PinLaterJobAckInfo("job-1"),), (PinLaterJobAckInfo("job-2"),))
    assert await pinlater.dequeueJobs(None, PinLaterDequeueRequest("q", 1, acks)) == "jobs"
    await pinlater.dequeueJobs(None, PinLaterDequeueRequest("q", 1))
    await pinlater.ackDequeuedJobs(None, acks)
    heartbeat, back = PinLaterCheckpointJobRequest("job-3"), PinLaterCheckpointJobRequest("job-4", moveToPending=True)
    await pinlater.checkpointJobs(None, PinLaterCheckpointJobsRequest("q", (heartbeat, back)))
    assert heard.steps == [("done", f"job-{number}") for number in (1, 2, 1, 2, 4)]


def test_without_a_listener_everything_stays_as_it_is(monkeypatch: Any) -> None:
    monkeypatch.delenv("ARAGOG_TORTURE_STEPS", raising=False)
    observer, services = StepObserver.of_environment(), Services()
    assert observer.store(services) is services and observer.pinlater(services) is services  # type: ignore[arg-type,comparison-overlap]
    assert type(observer.queues(services, "me")).__name__ == "JobQueues"  # type: ignore[arg-type]


def test_steps_are_lines_of_a_file(tmp_path: Path) -> None:
    steps = StepFile(tmp_path / "steps")
    steps("fetch", "job-1", "http://a.test/1")
    steps("done", "job-1")
    assert (tmp_path / "steps").read_text() == "fetch job-1 http://a.test/1\ndone job-1 \n"
