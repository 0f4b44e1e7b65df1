"""What every test has: the real engines' fixtures, their markers, and a header that says which engines are there."""

from __future__ import annotations

import pytest

from deploy.engines import NAMES, running, sweep
from tests.support.engines import required

pytest_plugins = ("tests.support.engine_fixtures",)

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


def pytest_sessionstart() -> None:
    """End the private engines of earlier test runs that were killed."""
    sweep()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the engines whose fixtures it asks for (`-m "not cassandra"`)."""
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        for marker, fixtures in _MARKERS.items():
            if asked & fixtures:
                item.add_marker(marker)
