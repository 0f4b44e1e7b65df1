"""Settings of every test run: the real engines' fixtures and markers, workers, examples, and a header that says which
engines are there."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from deploy.engines import NAMES, running, sweep
from tests.support.distribution import grouped, told
from tests.support.engines import required

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

    from tests.support.alone_last import AloneLast

pytest_plugins = ("tests.support.engine_fixtures",)

# No deadline: how long an example takes is the machine's matter. Under CI=true the same examples each time.
_ORDINARY = settings.get_profile("ci" if os.environ.get("CI") == "true" else "default")
settings.register_profile("usual", parent=_ORDINARY, deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.register_profile("fast", parent=settings.get_profile("usual"), max_examples=20)  # `make test-fast`
settings.load_profile("usual")

_MARKERS = {
    "redis": {"redis_durable_url", "redis_cache_url", "private_redis"},
    "cassandra": {"cassandra_url", "cassandra_admin", "private_cassandra"},
    "s3": {"s3_url", "private_s3"},
    "kafka": {"kafka_url", "kafka_topic", "private_kafka"},
}


def pytest_report_header() -> list[str]:
    """Say which engines answer, and what happens to the tests of the others."""
    there = running()
    lines = ["engines: " + (", ".join(f"{name} {engine.port}" for name, engine in there.items()) or "none")]
    if absent := [name for name in NAMES if name not in there]:
        fate = "fail" if required() else "are skipped"
        lines.append(f"engines absent: {', '.join(absent)}; their tests {fate}; `make engines` starts them")
    return lines


def pytest_sessionstart(session: pytest.Session) -> None:
    """End the private engines of earlier test runs that were killed; once, not in each worker."""
    if not hasattr(session.config, "workerinput"):
        sweep()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell each worker where to say which of its tests belong together."""
    told(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> AloneLast:
    """Spread the tests over the workers as `tests.support.distribution` says."""
    from tests.support.alone_last import AloneLast  # an environment without xdist runs the tests one by one

    return AloneLast(config, log)


@pytest.hookimpl(wrapper=True)  # marks before `-m` selects, and groups what is left
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    """Mark each test with the engines whose fixtures it asks for (`-m "not cassandra"`)."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        for marker, fixtures in _MARKERS.items():
            if asked & fixtures:
                item.add_marker(marker)
    collected = yield
    grouped(config, items)
    return collected
