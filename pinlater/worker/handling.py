"""The end of a job that one handler works on: done, again later, or a failed attempt."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pinlater.worker.pump import Task
from pinlater.worker.worker_queues import ClaimedJob, WorkerQueues
from runtime.backoff import Backoff
from runtime.durations import MINUTE_MS

Handler = Callable[[ClaimedJob], Awaitable[str | None]]
"""Returns once the job is done, perhaps with a text for its custom status.

Raises `Later`, or another error: then the attempt has failed.
"""

_STATUS_CHARACTERS = 500

_log = logging.getLogger(__name__)


class Later(Exception):
    """Raised by a handler: not now. The job comes again after `delay_ms`, and no attempt is spent."""

    def __init__(self, delay_ms: int, body: bytes | None = None) -> None:
        """With a body (UTF-8) the job gets that one."""
        super().__init__(delay_ms)
        self.delay_ms = delay_ms
        self.body = body


@dataclass(frozen=True, slots=True)
class Retries(Backoff):
    """The delay of a failed job. The job itself has the number of tries: its `numAttemptsAllowed`."""

    first_ms: int = 1_000
    longest_ms: int = 10 * MINUTE_MS


class Handling:
    """`prepare` fits a `Pump`: a task a job."""

    def __init__(
        self,
        handler: Handler,
        queues: WorkerQueues,
        deadline_ms: int,
        retries: Retries,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._handler = handler
        self._queues = queues
        self._deadline_ms = deadline_ms
        self._retries = retries
        self._chance = chance

    async def prepare(self, held: Sequence[ClaimedJob]) -> Sequence[Task]:
        """The tasks."""
        return [Task((each,), self._work(each)) for each in held]

    async def _work(self, held: ClaimedJob) -> None:
        try:
            status = await self._in_time(held)
        except Later as later:
            self._queues.give_back(held, later.delay_ms, later.body)
        except Exception as error:  # any error of the handler
            _log.warning("job %s failed", held.descriptor, exc_info=error)
            self._fail(held, f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:
            if _is_cancelled():  # told to stop: the pump gives the job back
                raise
            self._fail(held, "the handler was cancelled from within")
        else:
            self._queues.ack(held, status or "")

    async def _in_time(self, held: ClaimedJob) -> str | None:
        deadline = asyncio.timeout(self._deadline_ms / 1000)
        try:
            async with deadline:
                return await self._handler(held)
        except TimeoutError as error:
            if deadline.expired():
                raise TimeoutError(f"not done within {self._deadline_ms} ms") from error
            raise

    def _fail(self, held: ClaimedJob, status: str) -> None:
        delay_ms = self._retries.delay_ms(held.lost + 1, self._chance())
        self._queues.fail(held, delay_ms, f"{status[:_STATUS_CHARACTERS]}\n")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
