"""Every frontier: SQLite in memory and in a file, Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crawler.frontier import Frontier
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.sqlite import SqliteFrontier
from tests.contract.frontier.steps import Steps
from tests.support.engines import REDIS


@pytest.fixture(params=["memory", "file", REDIS])
async def frontier(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Frontier]:
    opened: Frontier
    if request.param == "redis":
        opened = await RedisFrontier.open(request.getfixturevalue("redis_durable_url"))
    else:
        path = ":memory:" if request.param == "memory" else str(tmp_path / "frontier.sqlite")
        opened = await SqliteFrontier.open(f"sqlite:///{path}")
    yield opened
    await opened.close()


@pytest.fixture
def crawl(frontier: Frontier) -> Steps:
    return Steps(frontier)
