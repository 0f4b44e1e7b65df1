"""SCHEDULE: jobs that run later, again, or never. Wire-compatible with Pinterest's PinLater.

A queue's jobs are dequeued by priority, then by run_after. A dequeue claims them, an ack ends the claim, a checkpoint
extends it, and an unconfirmed claim returns its job after a time. Delivery is at least once: a worker's effects must be
repeatable. Acks and checkpoints that name their claim (field 100) are fenced: a late one changes nothing.

>>> from pinlater.backends.sqlite import SqliteBackend
>>> backend = await SqliteBackend.open("sqlite:///srv/jobs.sqlite")
>>> service = PinLaterService([backend], owner="localhost:9010:1700000000000")
>>> await service.createQueue(RequestContext("docs"), "greetings")
>>> await service.enqueueJobs(RequestContext("docs"), PinLaterEnqueueRequest("greetings", (PinLaterJob(b"hello"),)))
"""

from pinlater.backends import Backend, LostClaims
from pinlater.errors import from_pinlater
from pinlater.monitor import Monitor
from pinlater.monitor_rules import OWN_QUEUES, MonitorRules, QueueRules
from pinlater.service import PinLaterService
from pinlater.settings import ServiceSettings
from pinlater.telemetry import SILENT, PinLaterTelemetry

__all__ = [
    "OWN_QUEUES",
    "SILENT",
    "Backend",
    "LostClaims",
    "Monitor",
    "MonitorRules",
    "PinLaterService",
    "PinLaterTelemetry",
    "QueueRules",
    "ServiceSettings",
    "from_pinlater",
]
