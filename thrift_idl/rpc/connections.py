"""The open connections of one server: places for callers, and the release of bytes when there are too many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import chain
from typing import Generic, Protocol, TypeVar


class OpenConnection(Protocol):
    """The view of a connection that the server's table needs."""

    @property
    def running(self) -> int:
        """Calls whose handlers run at present."""

    @property
    def held(self) -> int:
        """Bytes kept for it: an incomplete frame, answers not yet sent."""

    @property
    def waits_since(self) -> float:
        """The time since when its frame is incomplete, or its answers are unread; seconds of the loop's clock."""

    def cut(self, reason: str) -> None:
        """Close at once."""


C = TypeVar("C", bound=OpenConnection)


class Connections(Generic[C]):
    """Up to `most` connections: the silent ones, then those that were heard, each the longest silent first.

    If the server is full, the first one that runs no call gives its place to a new one: a connection that sends
    nothing, or half a frame, keeps no other out and drives out none that was heard. "Heard" is a whole frame.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._silent: OrderedDict[C, None] = OrderedDict()
        self._heard: OrderedDict[C, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._silent) + len(self._heard)

    def __iter__(self) -> Iterator[C]:
        """The open ones at this moment; they may be cut meanwhile."""
        return iter((*self._silent, *self._heard))

    def admit(self, connection: C) -> bool:
        """Take a place, if necessary another's; False = all are taken by connections whose calls run."""
        if len(self) >= self.most:
            idle = next((one for one in chain(self._silent, self._heard) if not one.running), None)
            if idle is None:
                return False
            self.leave(idle)
            idle.cut("its place was needed")
        self._silent[connection] = None
        return True

    def heard(self, connection: C) -> None:
        """A whole frame came."""
        if connection in self._heard:
            self._heard.move_to_end(connection)
        elif connection in self._silent:
            del self._silent[connection]
            self._heard[connection] = None

    def leave(self, connection: C) -> None:
        """It is gone."""
        self._silent.pop(connection, None)
        self._heard.pop(connection, None)

    def longest_held(self) -> C | None:
        """The connection whose bytes have been kept longest: the bytes of a good caller stay only a moment."""
        holding = (one for one in chain(self._silent, self._heard) if one.held)
        return min(holding, key=lambda one: one.waits_since, default=None)
