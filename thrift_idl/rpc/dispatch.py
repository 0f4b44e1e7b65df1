"""The way from a frame to a running handler: decode, check, admit, start, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from thrift.Thrift import TApplicationException

from thrift_idl.errors import AragogError, DeadlineExceeded, InvalidRequest, Overloaded
from thrift_idl.rpc.answers import answer, answer_error, refuse
from thrift_idl.rpc.calls import RunningCall
from thrift_idl.rpc.limits import ServerLimits
from thrift_idl.rpc.message import CALL, GIVE_UP, MessageHeader, Undecodable, decode, read_header
from thrift_idl.rpc.methods import Caller, Method, caller_of, methods
from thrift_idl.rpc.validation import TooManyValues, bound_values


class Replies(Protocol):
    """The sink for the replies to one caller."""

    @property
    def choked(self) -> bool:
        """True if the caller has left so much unread that no value is to be encoded for it."""

    def send(self, reply: bytes) -> bool:
        """Take a reply; False = there is no room for one of this size."""


@dataclass(slots=True)
class Load:
    """The present load of a server, all connections together."""

    calls: int = 0
    bytes: int = 0
    draining: bool = False


class Served:
    """One call of a connection, from the start of its handler to its answer."""

    __slots__ = ("_answered", "_call", "_dispatcher", "_ended", "_frame_bytes", "_method", "_replies", "_request_id",
                 "_running", "_sequence", "_timer")  # fmt: skip

    def __init__(
        self,
        dispatcher: Dispatcher,
        method: Method,
        header: MessageHeader,
        caller: Caller,
        running: set[Served],
        replies: Replies,
    ) -> None:
        self._dispatcher = dispatcher
        self._method = method
        self._sequence = header.sequence
        self._request_id = caller.request_id
        self._running = running
        self._replies = replies
        self._call = RunningCall(dispatcher.loop, method.name)
        self._timer: asyncio.TimerHandle | None = None
        self._frame_bytes = 0
        self._answered = self._ended = False

    def start(self, coroutine: Any, budget_ms: int, frame_bytes: int) -> None:
        """Take the first step; if the handler waits, count it as running and bound its time."""
        self._call.run(coroutine, self._outcome)
        if self._ended:
            return
        self._frame_bytes = frame_bytes
        self._running.add(self)
        self._dispatcher.load.calls += 1
        self._dispatcher.load.bytes += frame_bytes
        self._timer = self._dispatcher.loop.call_later(budget_ms / 1000, self._expire)

    def is_call(self, sequence: int) -> bool:
        """True if it came under this sequence id."""
        return self._sequence == sequence

    @property
    def cancellable(self) -> bool:
        """True if it may be cancelled when its caller doesn't want the answer any more."""
        return self._method.name in self._dispatcher.cancellable

    def abandon(self) -> None:
        """The caller is gone: cancel the handler, send no answer."""
        self._answered = True
        self._call.cancel()

    def _expire(self) -> None:
        # Answered at once; the handler counts as running until it has really ended.
        self._answer_error(DeadlineExceeded(f"{self._method.name} took longer than its caller allows"))
        self._call.cancel()

    def _outcome(self, value: Any, error: BaseException | None) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._running.discard(self)
            self._dispatcher.load.calls -= 1
            self._dispatcher.load.bytes -= self._frame_bytes
        if self._answered:
            return
        if error is not None:
            self._answer_error(error)
        elif self._replies.choked:
            self._answer_unread()
        else:
            self._reply(answer(self._method, self._sequence, value, self._dispatcher.limits.largest_frame))

    def _answer_error(self, error: BaseException) -> None:
        if not self._answered:
            self._answered = True
            most = self._dispatcher.limits.largest_frame
            self._reply(answer_error(self._method, self._sequence, error, self._request_id, most))

    def _reply(self, reply: bytes) -> None:
        if not self._replies.send(reply):
            self._answer_unread()

    def _answer_unread(self) -> None:
        limits = self._dispatcher.limits
        unread = Overloaded(f"answers of {limits.connection_bytes} bytes wait to be read: read them, then ask again")
        self._replies.send(answer_error(self._method, self._sequence, unread, self._request_id, limits.largest_frame))


class Dispatcher:
    """The methods of one service object, its limits and its load."""

    def __init__(
        self, protocol: Callable[..., Any], service: object, limits: ServerLimits, cancellable: Collection[str] = ()
    ) -> None:
        self.cancellable = cancellable
        table = methods(protocol)
        self._methods = {name: (method, getattr(service, method.name)) for name, method in table.items()}
        self.limits = limits
        self.load = Load()
        self.loop = asyncio.get_running_loop()

    def begin(self, frame: bytes, running: set[Served], replies: Replies) -> None:
        """Start the call in `frame`; `replies` gets its answer, now or later. Raises FrameError on no such message."""
        header = read_header(frame, CALL)
        found = self._methods.get(header.name)
        if found is None and header.name == GIVE_UP:
            _give_up(header.sequence, running)
            return
        if found is None:
            unknown = InvalidRequest(f"unknown method {header.name.decode(errors='replace')!r}")
            replies.send(refuse(TApplicationException.UNKNOWN_METHOD, header.name, header.sequence, unknown))
            return
        method, handler = found
        try:
            values = self._values(method, frame, header)
        except (Undecodable, TooManyValues) as error:
            invalid = InvalidRequest(f"the arguments of {method.name} can't be read: {error}")
            replies.send(refuse(TApplicationException.PROTOCOL_ERROR, header.name, header.sequence, invalid))
            return
        self._start(method, handler, header, values, len(frame), running, replies)

    def _values(self, method: Method, frame: bytes, header: MessageHeader) -> tuple[Any, ...]:
        bound_values(frame, header.start, self.limits.frame_values)
        values = method.unpack(decode(method.arguments, frame, header.start))
        if None in values:
            raise Undecodable(f"argument {method.parameters[values.index(None)]} is missing")
        return values

    def _start(
        self,
        method: Method,
        handler: Callable[..., Any],
        header: MessageHeader,
        values: tuple[Any, ...],
        frame_bytes: int,
        running: set[Served],
        replies: Replies,
    ) -> None:
        caller = caller_of(values)
        budget_ms = self._budget_ms(caller)
        refused = self._refusal(budget_ms, frame_bytes, len(running))
        if refused is not None:
            replies.send(answer_error(method, header.sequence, refused, caller.request_id, self.limits.largest_frame))
            return
        Served(self, method, header, caller, running, replies).start(handler(*values), budget_ms, frame_bytes)

    def _budget_ms(self, caller: Caller) -> int:
        if caller.remaining_ms is None:
            return self.limits.call_ms
        return min(caller.remaining_ms, self.limits.call_ms)

    def _refusal(self, budget_ms: int, frame_bytes: int, running: int) -> AragogError | None:
        limits, load = self.limits, self.load
        if budget_ms <= 0:
            return DeadlineExceeded("no time was left when the call arrived")
        if load.draining:
            return Overloaded("the server is shutting down: ask another, or later")
        if running >= limits.connection_calls:
            return Overloaded(f"more than {limits.connection_calls} calls in flight on one connection")
        if load.calls >= limits.calls:
            return Overloaded(f"more than {limits.calls} calls in flight")
        if load.bytes + frame_bytes > limits.memory_bytes:
            return Overloaded(f"calls in flight hold more than {limits.memory_bytes} bytes")
        return None


def _give_up(sequence: int, running: set[Served]) -> None:
    """Cancel the calls of that sequence id that may be cancelled; the others run to their ends."""
    for served in [each for each in running if each.is_call(sequence) and each.cancellable]:
        served.abandon()
