"""Kills of a distributed crawl: workers and servers, which a supervisor starts again, and the engines."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from deploy.engines import Engine
from tests.faults.crawler.killing import Hit, assert_children_end, in_flight
from tests.faults.crawler.supervision import SERVICES, Supervisor
from tests.support import engines
from tests.support.processes import start_aragog, stop

WORKERS = 2
#: The engines that hold what must not be lost; the cache Redis holds nothing else.
ENGINES = ("redis-durable", "cassandra", "s3", "kafka")
TARGETS = (*(f"worker-{number}" for number in range(WORKERS)), *SERVICES, *ENGINES)
_WINDOW_S = 2.0
_ENDS_S = 180


@dataclass(frozen=True, slots=True)
class Stores:
    """Empty stores of one crawl in the engines that it may kill."""

    settings: Mapping[str, str]
    sink: str


@contextmanager
def stores(private: Mapping[str, Engine], cache_url: str) -> Iterator[Stores]:
    """A database, and a keyspace, bucket and topic that our services make; all goes with the engines."""
    name = f"t{uuid.uuid4().hex[:16]}"
    sink = f"{private['kafka'].url}/{name}"
    with engines.redis_database(private["redis-durable"]) as redis:
        settings = {
            "urlstore_metadata": f"{private['cassandra'].url}/{name}",
            "urlstore_content": f"{private['s3'].url}/{name}",
            "fetcher_robots_cache": cache_url,
            "pinlater_backend": redis,
            "crawl_frontier": redis,
            "events_leases": redis,
            "events_sink": sink,
        }
        yield Stores(settings, sink)


@dataclass(slots=True)
class Killer:
    """Kills targets of one crawl while it runs."""

    env: Mapping[str, str]
    supervisor: Supervisor
    private: Mapping[str, Engine]
    random: Random

    def crawl(self, seeds: list[str], targets: list[str]) -> tuple[list[Hit], dict[str, Any]]:
        """Crawl to the end; meanwhile kill these, one after another, uniformly at random; the hits, and how it ended.

        The command that watches the crawl outlives all of them.
        """
        hits: list[Hit] = []
        process = start_aragog(self.env, "crawl", "--scope", "any", "--json", *seeds)
        try:
            self._wait_until_at_work(process)
            while targets and process.poll() is None:
                time.sleep(self.random.uniform(0, _WINDOW_S))
                hits.append(self._kill(targets.pop(0)))
            out, err = process.communicate(timeout=_ENDS_S)
        finally:
            stop(process)
        assert process.returncode == 0, f"the command that watches failed: {err}"
        ended: dict[str, Any] = json.loads(out)
        return hits, ended

    def _wait_until_at_work(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None and not any(path.stat().st_size for path in self._steps.iterdir()):
            time.sleep(0.02)

    @property
    def _steps(self) -> Path:
        return Path(self.env["ARAGOG_TORTURE_STEPS"])

    def _kill(self, target: str) -> Hit:
        if target.startswith("worker"):
            pid = self.supervisor.kill(target)
            assert_children_end(pid)
            return Hit("a worker", *in_flight(self._steps, pid))
        steps, urls = self._in_flight_anywhere()
        if target in SERVICES:
            self.supervisor.kill(target)
            return Hit(target, steps, urls)
        self.private[target].kill()
        time.sleep(self.random.uniform(0.2, 2.0))
        self.private[target].start()
        # An engine's death takes no worker: nothing may be asked for again because of it.
        return Hit(target, steps, frozenset())

    def _in_flight_anywhere(self) -> Any:
        living = {self.supervisor.pid(f"worker-{number}") for number in range(WORKERS)}
        found = [in_flight(self._steps, pid) for pid in living]
        steps = sum((each for each, _ in found), start=type(found[0][0])())
        return steps, frozenset().union(*(urls for _, urls in found))
