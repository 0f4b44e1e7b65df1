"""The hostile messages of the shared vectors, as argument 1 of a real call to an open port."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import pytest
from thrift.Thrift import TApplicationException

from tests.conformance.thrift.vectors import FILE, VECTORS, spoken
from tests.support.rpc_endpoints import (
    GRANT,
    Limiter,
    application_error,
    call,
    calling,
    closed,
    frame,
    raw,
    reserve,
    serving,
)
from thrift_idl.gen.ratelimiter import RateLimiter as service
from thrift_idl.rpc.message import REPLY, read_header

GROWTH = 8 * 1024 * 1024

pytestmark = pytest.mark.skipif(not VECTORS, reason=f"no conformance vectors at {FILE}")


def of(*protocols: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in VECTORS if v["protocol"] in protocols]


def test_all_vectors_are_here() -> None:
    assert len(VECTORS) == 27


@pytest.mark.parametrize("vector", of("binary"))
async def test_a_hostile_struct_is_a_protocol_error_of_bounded_cost_and_the_connection_is_kept(
    vector: dict[str, Any],
) -> None:
    """`good` is a foreign struct: it lacks our required fields, which is a typed error too."""
    limiter = Limiter()
    async with serving(limiter) as (_, port), raw(port) as (reader, writer):
        message = spoken(vector, b"reserve")
        tracemalloc.start()
        writer.write(message)
        answer = await frame(reader)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert application_error(answer)[0] == TApplicationException.PROTOCOL_ERROR
        assert peak < GROWTH
        assert limiter.calls == 0
        writer.write(call("reserve", service.reserve_args(reserve())))
        assert read_header(await frame(reader), REPLY).name == b"reserve"


@pytest.mark.parametrize("vector", of("compact", "framed", "message"))
async def test_another_protocol_or_an_impossible_frame_is_closed_and_others_are_served(vector: dict[str, Any]) -> None:
    limiter = Limiter()
    async with serving(limiter) as (_, port), raw(port) as (reader, writer), calling(port) as other:
        tracemalloc.start()
        writer.write(spoken(vector, b"reserve"))
        assert await asyncio.wait_for(closed(reader), 30)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < GROWTH
        assert limiter.calls == 0
        assert await other.reserve(reserve()) == GRANT
