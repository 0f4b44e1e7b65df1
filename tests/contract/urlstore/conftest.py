"""Every UrlStore that the contract suites run over: each pair of backends, called directly and through Thrift."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.support.engines import CASSANDRA
from tests.support.stores import Backends, open_backends, places, service_over, through_thrift
from thrift_idl.gen.urlstore.protocol import UrlStore

PAIRS = ("sqlite", "files", "memory", CASSANDRA)
ROUTES = ("direct", "thrift")

_sites = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=PAIRS)
async def backends(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backends]:
    with places(request.param, tmp_path_factory.mktemp("urlstore")) as urls:
        opened = await open_backends(*urls)
        yield opened
        for backend in opened:
            await backend.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ROUTES)
async def store(request: pytest.FixtureRequest, backends: Backends) -> AsyncIterator[UrlStore]:
    service = service_over(backends)
    if request.param == "direct":
        yield service
    else:
        async with through_thrift(service) as client:
            yield client


@pytest.fixture
def url() -> Callable[[str], str]:
    """URLs on a host that no other test has, for the stores are shared."""
    host = f"site{next(_sites)}.test"
    return lambda path: f"http://{host}{path}"
