"""The engines by name: the shared ones of this checkout, and private ones for fault tests."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from deploy.engines.cassandra import Cassandra
from deploy.engines.ceph import CephGateway
from deploy.engines.engine import Engine, EngineState, Recipe
from deploy.engines.kafka import Kafka
from deploy.engines.processes import Process, recognise
from deploy.engines.redis import Redis
from deploy.engines.site import Site

_RECIPES: Mapping[str, Recipe] = {
    "redis-durable": Redis("redis-durable.conf"),
    "redis-cache": Redis("redis-cache.conf"),
    "cassandra": Cassandra(),
    "s3": CephGateway(),
    "kafka": Kafka(),
}
NAMES: tuple[str, ...] = tuple(_RECIPES)

_REPOSITORY = Path(__file__).resolve().parents[2]


def directory() -> Path:
    """Return the directory of state and data: `$ARAGOG_ENGINES_DIR`, or `.engines` in the repository."""
    return Path(os.environ.get("ARAGOG_ENGINES_DIR") or _REPOSITORY / ".engines")


def shared(name: str) -> Engine:
    """Return the engine of this name that `make engines` starts, running or not."""
    return Engine(name, _RECIPES[name], Site(directory() / name))


def running() -> dict[str, Engine]:
    """Return the shared engines that answer now, by name."""
    engines = {name: shared(name) for name in NAMES}
    return {
        name: engine for name, engine in engines.items() if engine.state is EngineState.RUNNING and engine.answers()
    }


def private(name: str) -> Engine:
    """Return a new engine, not started, in a directory of its own: free to be killed and paused, then wiped.

    If the calling process dies before it wipes the engine, the next `sweep` does.
    """
    site = Site(directory() / "private" / f"{name}-{uuid.uuid4().hex[:12]}")
    owner = recognise(os.getpid())
    site.write("owner.json", {"pid": owner.pid, "started": owner.started})
    return Engine(name, _RECIPES[name], site)


def sweep() -> None:
    """Wipe the private engines whose owner has ended without doing so (a test run that was killed)."""
    for place in (directory() / "private").glob("*"):
        site = Site(place)
        owner = site.read("owner.json")
        if owner and not Process(owner["pid"], owner["started"]).alive:
            name = place.name.rpartition("-")[0]
            Engine(name, _RECIPES[name], site).wipe()
