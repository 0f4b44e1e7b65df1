"""RESERVE: the time when a domain may be fetched next.

The whole state is one timestamp for each domain, the slot of its last grant, changed by compare-and-set. `next_slot`
decides, `service` acts, `backends` store; `limits` has the rates, `domain_state` the holds. The promise: no 1 s window
of a registrable domain holds more than 1.05 x qps + 1 requests, despite crashes and restarts.

>>> service = RateLimiterService(MemoryState(), await Limits.open())
>>> grant = await service.reserve(ReserveRequest(context, Reservation("example.com", "www.example.com")))
"""

from ratelimiter.backends.file import FileState
from ratelimiter.backends.memory import MemoryState
from ratelimiter.limits import LimitsInForce, LimitsSource
from ratelimiter.overrides import Limit
from ratelimiter.ownership import ALONE, Ownership
from ratelimiter.reserving import ReservingSettings
from ratelimiter.service import RateLimiterService
from ratelimiter.state import StateBackend
from ratelimiter.telemetry import SILENT, LimiterTelemetry

__all__ = [
    "ALONE",
    "SILENT",
    "FileState",
    "Limit",
    "LimiterTelemetry",
    "LimitsInForce",
    "LimitsSource",
    "MemoryState",
    "Ownership",
    "RateLimiterService",
    "ReservingSettings",
    "StateBackend",
]
