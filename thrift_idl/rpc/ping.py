"""A ping of a Thrift server: a call of a method that no service has, so that no engine is asked."""

from __future__ import annotations

import asyncio

from runtime.clock import monotonic_ms
from runtime.host_port import host_and_port
from thrift_idl.errors import BackendDown
from thrift_idl.rpc.message import CALL, EXCEPTION, REPLY, FrameError, framed, read_header, write_header

#: No service has this method: its server says so at once, by itself, without a handler or a backend.
_METHOD = b"ping"
_NO_ARGUMENTS = b"\x00"
_MOST_BYTES = 65_536


async def answer_ms(address: str, timeout_ms: int) -> float:
    """Milliseconds until the service at `address` has answered. Raises `BackendDown`, `BadConfiguration`."""
    host, port = host_and_port(address)
    began_ms = monotonic_ms()
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            await _call(host, port)
    except TimeoutError:
        raise BackendDown(f"{address} doesn't answer within {timeout_ms} ms") from None
    except (OSError, EOFError) as error:
        raise BackendDown(f"{address} doesn't answer: {error}; is it started?") from error
    except FrameError as error:
        raise BackendDown(f"{address} is no service of ours: {error}") from error
    return monotonic_ms() - began_ms


async def _call(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(framed(write_header(CALL, _METHOD, 1) + _NO_ARGUMENTS))
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > _MOST_BYTES:
            raise FrameError(f"an answer of {size} bytes")
        header = read_header(await reader.readexactly(size), REPLY, EXCEPTION)
        if (header.name, header.sequence) != (_METHOD, 1):
            raise FrameError("an answer to another question")
    finally:
        writer.close()
