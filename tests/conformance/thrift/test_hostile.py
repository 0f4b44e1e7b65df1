"""The hostile messages of the shared vectors, as argument 1 of a real call to an open port."""

from __future__ import annotations

import asyncio
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from thrift.Thrift import TApplicationException

from tests.unit.rpc.serving import GRANT, Limiter, call, calling, closed, frame, raw, reserve, serving
from tests.unit.rpc.test_server import application_error
from thrift_idl.gen.ratelimiter import RateLimiter as service
from thrift_idl.rpc.framing import framed
from thrift_idl.rpc.message import CALL, REPLY, read_header, write_header

ROOT = Path(__file__).resolve().parents[3]
FILE = (
    Path(os.environ.get("ARAGOG_CONFORMANCE_DIR", ROOT.parent / "shared" / "conformance")) / "thrift" / "hostile.json"
)
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())["vectors"] if FILE.exists() else []
GROWTH = 8 * 1024 * 1024

pytestmark = pytest.mark.skipif(not VECTORS, reason=f"no conformance vectors at {FILE}")


def of(*protocols: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in VECTORS if v["protocol"] in protocols]


def argument(vector: dict[str, Any]) -> bytes:
    """A call of `reserve` whose argument 1 is the vector's struct."""
    return framed(write_header(CALL, b"reserve", 3) + b"\x0c\x00\x01" + bytes.fromhex(vector["hex"]) + b"\x00")


def test_all_vectors_are_here() -> None:
    assert len(VECTORS) == 27


@pytest.mark.parametrize("vector", of("binary"))
async def test_a_hostile_struct_is_a_protocol_error_of_bounded_cost_and_the_connection_is_kept(
    vector: dict[str, Any],
) -> None:
    """`good` is a foreign struct: it lacks our required fields, which is a typed error too."""
    limiter = Limiter()
    async with serving(limiter) as (_, port), raw(port) as (reader, writer):
        message = argument(vector)
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


def spoken(vector: dict[str, Any]) -> bytes:
    """The vector as a caller sends it: a framed message, or (those about frames) the bytes as they are."""
    data = bytes.fromhex(vector["hex"])
    if vector["protocol"] == "framed":
        return data
    if vector["protocol"] == "compact":  # a compact call: protocol 0x82, version 1 and type call, sequence id, name
        return framed(b"\x82\x21\x03\x07reserve\x1c" + data + b"\x00")
    return framed(data)


@pytest.mark.parametrize("vector", of("compact", "framed", "message"))
async def test_another_protocol_or_an_impossible_frame_is_closed_and_others_are_served(vector: dict[str, Any]) -> None:
    limiter = Limiter()
    async with serving(limiter) as (_, port), raw(port) as (reader, writer), calling(port) as other:
        tracemalloc.start()
        writer.write(spoken(vector))
        assert await asyncio.wait_for(closed(reader), 30)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < GROWTH
        assert limiter.calls == 0
        assert await other.reserve(reserve()) == GRANT
