"""A client: implements the Protocol of a service by calls to its server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar, cast

from runtime.host_port import host_and_port
from thrift_idl.errors import AragogError, BackendDown, DeadlineExceeded, InternalError, InvalidRequest
from thrift_idl.gen.context.ttypes import Failure
from thrift_idl.records import replace
from thrift_idl.rpc.client_connection import ClientConnection, ClientConnectionPool, Reply
from thrift_idl.rpc.failures import decode_application_error, from_failure
from thrift_idl.rpc.limits import ClientLimits
from thrift_idl.rpc.message import CALL, EXCEPTION, GIVE_UP, Undecodable, decode, encode, framed, write_header
from thrift_idl.rpc.methods import Method, caller_of, methods

P = TypeVar("P")

DEFAULT_LIMITS: Final = ClientLimits()
_NO_ARGUMENTS: Final = b"\0"  # an empty struct


class Channel:
    """Connections to one server, made at the first use. Use one for small calls and another for bulk content.

    Every call ends within its deadline: `deadline_ms` of the limits, or less if the request's context leaves less.
    It raises the service's error; DeadlineExceeded; BackendDown if the server can't be reached or the
    connection broke (the call may have been done: nothing is ever sent twice); InvalidRequest if the request
    can't be encoded or exceeds a frame.
    """

    def __init__(self, address: str, limits: ClientLimits = DEFAULT_LIMITS) -> None:
        host, port = host_and_port(address)
        self.address = address
        self._limits = limits
        self._pool = ClientConnectionPool(host, port, limits)
        self._slots = asyncio.Semaphore(limits.connections * limits.connection_calls)
        self._closed = False

    def client(self, protocol: Callable[..., P]) -> P:
        """An object that implements `protocol` (a class of `thrift_idl.gen.<x>.protocol`) by calls on this channel."""
        return cast(P, _Stub(self, methods(protocol)))

    async def close(self) -> None:
        """Close the connections; calls in flight, and later ones, fail with BackendDown."""
        self._closed = True
        self._pool.close()
        await asyncio.sleep(0)

    async def call(self, method: Method, arguments: Any) -> Any:
        """One call: its value, or the error of its service."""
        if self._closed:
            raise BackendDown(f"the channel to {self.address} is closed", address=self.address)
        deadline_ms = self._deadline_ms(method, arguments)
        link = None if self._slots.locked() else self._pool.ready()
        if link is None:
            return await self._call_later(method, arguments, deadline_ms)
        async with self._slots:
            return await self._call_on(link, method, self._encoded(method, arguments), deadline_ms / 1000, deadline_ms)

    async def _call_later(self, method: Method, arguments: Any, deadline_ms: int) -> Any:
        """The call if it must wait first: for a slot, a connection, room in the write buffer."""
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_ms / 1000
        try:
            async with asyncio.timeout_at(end):
                await self._slots.acquire()
        except TimeoutError:
            raise self._too_late(method, deadline_ms) from None
        try:
            try:
                async with asyncio.timeout_at(end):
                    link = await self._pool.link()
            except TimeoutError:
                raise self._too_late(method, deadline_ms) from None
            left_s = end - loop.time()
            body = self._encoded(method, _with_remaining(method, arguments, max(1, int(left_s * 1000))))
            return await self._call_on(link, method, body, left_s, deadline_ms)
        finally:
            self._slots.release()

    async def _call_on(
        self, link: ClientConnection, method: Method, body: bytes, left_s: float, deadline_ms: int
    ) -> Any:
        loop = asyncio.get_running_loop()
        sequence, answer = link.open_call()
        sent = loop.time()
        timer = loop.call_later(left_s, self._expire, answer, method, deadline_ms)
        try:
            link.write(framed(write_header(CALL, method.wire_name, sequence) + body))
            frame, header = await answer
        except DeadlineExceeded:
            _give_up(link, sequence)
            if link.heard <= sent:
                link.retire()  # perhaps the server's end vanished without closing
            raise
        except asyncio.CancelledError:
            _give_up(link, sequence)
            raise
        finally:
            timer.cancel()
            link.forget(sequence)
        return _value(method, (frame, header))

    def _encoded(self, method: Method, arguments: Any) -> bytes:
        try:
            body = encode(arguments)
        except Exception as error:  # the codec raises half a dozen built-in types
            raise InvalidRequest(f"the arguments of {method.name} can't be encoded: {error}") from error
        if len(body) + len(method.wire_name) + 12 > self._limits.frame_bytes:
            raise InvalidRequest(f"{method.name}: {len(body)} bytes; a frame holds {self._limits.frame_bytes}")
        return body

    def _deadline_ms(self, method: Method, arguments: Any) -> int:
        remaining_ms = caller_of(method.unpack(arguments)).remaining_ms
        if remaining_ms is None:
            return self._limits.deadline_ms
        if remaining_ms <= 0:
            raise self._too_late(method, remaining_ms)
        return min(remaining_ms, self._limits.deadline_ms)

    def _expire(self, answer: asyncio.Future[Reply], method: Method, deadline_ms: int) -> None:
        if not answer.done():
            answer.set_exception(self._too_late(method, deadline_ms))

    def _too_late(self, method: Method, deadline_ms: int) -> DeadlineExceeded:
        return DeadlineExceeded(f"{method.name} of {self.address} took longer than {deadline_ms} ms")


class _Stub:
    """The client object: a coroutine function for every method of the service."""

    def __init__(self, channel: Channel, table: dict[bytes, Method]) -> None:
        for method in table.values():
            setattr(self, method.name, _caller(channel, method))


def _caller(channel: Channel, method: Method) -> Callable[..., Coroutine[Any, Any, Any]]:
    make = method.arguments
    run = channel.call

    async def call(*values: Any, **named: Any) -> Any:
        return await run(method, make(*values, **named))

    call.__name__ = call.__qualname__ = method.name
    return call


def _give_up(link: ClientConnection, sequence: int) -> None:
    """Tell the server that the caller gave up; the server decides whether to go on. Dropped if it reads slowly."""
    if link.usable and not link.full:
        link.write(framed(write_header(CALL, GIVE_UP, sequence) + _NO_ARGUMENTS))


def _with_remaining(method: Method, arguments: Any, left_ms: int) -> Any:
    """The arguments with the remaining time, if their context has one: it counts from the sending."""
    values = method.unpack(arguments)
    remaining_ms = caller_of(values).remaining_ms
    if remaining_ms is None or remaining_ms <= left_ms:
        return arguments
    request = replace(values[0], context=replace(values[0].context, remaining_ms=left_ms))
    return method.arguments(request, *values[1:])


def _value(method: Method, reply: Reply) -> Any:
    """The value in a reply. Raises the error in it, InternalError if it can't be read."""
    frame, header = reply
    try:
        if header.kind == EXCEPTION:
            raise decode_application_error(frame, header.start)
        result = decode(method.result, frame, header.start)
    except Undecodable as error:
        raise InternalError(f"the answer of {method.name} can't be read: {error}") from error
    for _, slot in method.exceptions:
        raised = getattr(result, slot)
        if raised is not None:
            raise _restored(raised)
    if not method.returns:
        return None
    if result.success is None:
        raise InternalError(f"{method.name} answered with neither value nor error")
    return result.success


def _restored(raised: BaseException) -> BaseException | AragogError:
    return from_failure(raised) if isinstance(raised, Failure) else raised
