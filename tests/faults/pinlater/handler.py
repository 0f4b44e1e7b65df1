"""A worker process to be killed: `python -m tests.faults.pinlater.handler PORT SEED`.

Of its jobs it succeeds with most (a word in their custom status), fails with some, puts some off, always fails with
those whose body begins with `poison`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from random import Random

from pinlater.worker import ClaimedJob, Later, Retries, Worker
from tests.faults.pinlater.server import CLAIM_TIMEOUT_MS
from tests.support.pinlater_caller import QUEUE
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.rpc import Channel

DONE = "done;"
FAILED = "RuntimeError: no luck"
RETRIES = Retries(first_ms=20, longest_ms=100)


async def main(port: str, seed: str) -> None:
    random = Random(seed)

    async def handle(job: ClaimedJob) -> str:
        await asyncio.sleep(random.uniform(0, 0.05))
        if job.body.startswith(b"poison") or random.random() < 0.03:
            raise RuntimeError("no luck")
        if random.random() < 0.03:
            raise Later(random.randint(0, 50))
        return DONE

    logging.disable()
    service = Channel(f"127.0.0.1:{port}").client(PinLater)
    heartbeat_ms = CLAIM_TIMEOUT_MS // 5
    worker = Worker(service, QUEUE, handle, concurrency=20, heartbeat_ms=heartbeat_ms, retries=RETRIES)
    print("running", flush=True)
    await worker.run_until_signalled()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
