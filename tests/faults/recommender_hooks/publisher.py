"""A process that publishes in a loop and writes down what was acknowledged: `publisher URL LEDGER NAME`.

Batches of one to five events; one line for each event id, after its batch was acknowledged.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from recommender_hooks.backends import EventSink
from recommender_hooks.backends.jsonl import JsonlSink
from tests.support.event_samples import event


async def open_sink(url: str) -> EventSink:
    if url.startswith("file:"):
        return await JsonlSink.open(url)
    from recommender_hooks.backends.kafka import KafkaSink

    return await KafkaSink.open(url)


async def publish_for_ever(url: str, ledger: int, name: str) -> None:
    sink = await open_sink(url)
    for number in itertools.count():
        title = "x" * (number * 997 % 20_000)
        events = [event(f"http://{name}.test/{number}/{each}", title=title) for each in range(number % 5 + 1)]
        await sink.publish(events)
        os.write(ledger, "".join(f"{each.event_id}\n" for each in events).encode())


if __name__ == "__main__":
    book = os.open(sys.argv[2], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    asyncio.run(publish_for_ever(sys.argv[1], book, sys.argv[3]))
