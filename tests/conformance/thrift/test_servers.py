"""The hostile messages of the shared vectors as argument 1 of a real call, on an open port of each of our servers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from thrift.Thrift import TApplicationException

from tests.conformance.thrift.vectors import FILE, VECTORS, spoken
from tests.support.rpc_callers import connected, received
from tests.support.rpc_endpoints import application_error
from tests.support.server_processes import LINUX, NAMES, Server, started
from thrift_idl.rpc.message import CALL, REPLY, read_header

TORTURE = bool(os.environ.get("ARAGOG_TORTURE"))
MIB = 1024 * 1024
ATTEMPTS = 3  # the best counts: other processes share the processors

pytestmark = [
    pytest.mark.skipif(not VECTORS, reason=f"no conformance vectors at {FILE}"),
    pytest.mark.skipif(not LINUX, reason="measures by /proc"),
]


@pytest.fixture(scope="module", params=NAMES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


def method_of(server: Server) -> bytes:
    return read_header(server.sample[4:], CALL).name


def is_served(server: Server) -> None:
    """A sound call on a new connection is answered by the service."""
    with connected(server.port) as connection:
        connection.sendall(server.sample)
        assert read_header(received(connection) or b"", REPLY).name == method_of(server)


def refused_and_kept(server: Server, message: bytes) -> float:
    """The message is answered by a protocol error, and its connection then by the service; ms to the first answer.

    The foreign but sound struct `good` lacks the required fields of each of our first arguments: a typed error too.
    """
    with connected(server.port) as connection:
        began = time.perf_counter()
        connection.sendall(message)
        answer = received(connection)
        took_ms = (time.perf_counter() - began) * 1000
        assert answer is not None
        assert application_error(answer)[0] == TApplicationException.PROTOCOL_ERROR
        connection.sendall(server.sample)
        assert read_header(received(connection) or b"", REPLY).name == method_of(server)
    return took_ms


def closed(server: Server, message: bytes) -> float:
    """The message is answered by closing its connection; ms until then."""
    with connected(server.port) as connection:
        began = time.perf_counter()
        connection.sendall(message)
        assert received(connection) is None
        return (time.perf_counter() - began) * 1000


def expectation(vector: dict[str, Any]) -> Callable[[Server, bytes], float]:
    """A hostile struct in a sound call is answered; another protocol and an impossible frame end the connection."""
    return refused_and_kept if vector["protocol"] == "binary" else closed


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS])
def test_a_hostile_message_is_refused_as_expected_and_others_are_served(server: Server, vector: dict[str, Any]) -> None:
    expectation(vector)(server, spoken(vector, method_of(server)))
    is_served(server)


@pytest.mark.torture
@pytest.mark.skipif(not TORTURE, reason="full counts: make torture")
def test_every_hostile_message_costs_less_than_50_ms_and_8_mib(server: Server) -> None:
    is_served(server)
    costs = {vector["name"]: cost(server, vector) for vector in VECTORS}
    (slowest, (worst_ms, _)), (largest, (_, most)) = (max(costs.items(), key=lambda c: c[1][n]) for n in (0, 1))
    print(
        f"\n{server.name}: {len(costs)} vectors; slowest {worst_ms:.1f} ms ({slowest}), "
        f"largest {most / MIB:.2f} MiB ({largest})"
    )
    assert {name: cost for name, cost in costs.items() if cost[0] >= 50 or cost[1] >= 8 * MIB} == {}


def cost(server: Server, vector: dict[str, Any]) -> tuple[float, int]:
    """Least ms to the answer, and most bytes that the server's peak memory grew by, over some attempts."""
    message = spoken(vector, method_of(server))
    took_ms, grown = [], []
    for _ in range(ATTEMPTS):
        server.forget_peak()
        before = server.memory()
        took_ms.append(expectation(vector)(server, message))
        grown.append(server.peak() - before)
    return min(took_ms), max(grown)
