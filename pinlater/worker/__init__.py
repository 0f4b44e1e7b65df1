"""Workers: an async function applied to the jobs of a queue; and the parts that larger workers consist of.

>>> async def greet(job: ClaimedJob) -> None:
...     print(job.body.decode())
>>> channel = Channel("127.0.0.1:9010")
>>> await Worker(channel.client(PinLater), "greetings", greet, concurrency=8).run_until_signalled()
"""

from pinlater.worker.backend_health import FATAL, BackendHealth
from pinlater.worker.handling import Handler, Later, Retries
from pinlater.worker.pump import Pump, PumpBounds, Task
from pinlater.worker.shares import Shares
from pinlater.worker.worker import Worker
from pinlater.worker.worker_queues import ClaimedJob, WorkerQueues, asking

__all__ = [
    "FATAL",
    "BackendHealth",
    "ClaimedJob",
    "Handler",
    "Later",
    "Pump",
    "PumpBounds",
    "Retries",
    "Shares",
    "Task",
    "Worker",
    "WorkerQueues",
    "asking",
]
