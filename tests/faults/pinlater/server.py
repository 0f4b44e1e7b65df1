"""A PinLater server to be killed: `python -m tests.faults.pinlater.server URL PORT LOG SKEW_MS`.

Its clock is SKEW_MS ahead. Lines of the log, written as soon as the store has said so: `failed N`, acks that spent an
attempt; `lost N`, claims taken back.
"""

from __future__ import annotations

import asyncio
import os
import sys

from pinlater import Monitor, MonitorRules, PinLaterService, QueueRules
from pinlater.store_clock import StoreClock
from pinlater.telemetry import SilentPinLaterTelemetry
from runtime.clock import wall_ms
from tests.faults.pinlater.worker import open_backend
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.rpc import RpcServer

CLAIM_TIMEOUT_MS = 1_500
RULES = MonitorRules(default=QueueRules(CLAIM_TIMEOUT_MS, keep_succeeded_ms=3_600_000, cycle_ms=100, updates=None))


class Told(SilentPinLaterTelemetry):
    """Telemetry that writes down what spends attempts."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def acked(self, queue: str, succeeded: int, failed: int, noops: int) -> None:
        if failed:
            os.write(self._file, f"failed {failed}\n".encode())

    def timed_out(self, queue: str, done: int, retry: int) -> None:
        os.write(self._file, f"lost {done + retry}\n".encode())


async def main(url: str, port: str, log: str, skew_ms: str) -> None:
    backend, told = await open_backend(url), Told(log)
    clock = StoreClock([backend], lambda: wall_ms() + int(skew_ms))
    await clock.measure()
    service = PinLaterService([backend], f"127.0.0.1-{os.getpid()}:{port}:{wall_ms()}", now_ms=clock, telemetry=told)
    server = RpcServer(PinLater, service)
    await server.start("127.0.0.1", int(port))
    print("running", flush=True)
    await asyncio.gather(Monitor([backend], RULES, clock, told).run(), clock.run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
