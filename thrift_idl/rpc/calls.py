"""The run of one handler: its first step at once, without a task; the rest, if there is one, as a task.

Most handlers never wait: a task for each would cost more than the handler. Python 3.12 has eager tasks; 3.11 has not,
and a first step without a task would break code that asks for the current one (`asyncio.timeout`, `TaskGroup`). So the
`RunningCall` itself is the current task during the first step, through the hooks that asyncio documents for makers of
tasks (`_enter_task`, `_leave_task`), and passes the requests made to it - cancel, uncancel, cancelling - to the real
task that takes over. Both run in one context (contextvars).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Generator
from typing import Any

Outcome = Callable[[Any, BaseException | None], None]


class _Rest(Coroutine[Any, Any, Any]):
    """A coroutine whose first step was taken elsewhere: first it yields again what it yielded there."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], yielded: Any) -> None:
        self._coroutine = coroutine
        self._yielded: tuple[Any] | None = (yielded,)

    def send(self, value: Any) -> Any:
        if self._yielded is not None:
            (first,), self._yielded = self._yielded, None
            return first
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        if self._yielded is not None:
            # Cancelled before the task's own first step: the awaited future is told, as a task would have done.
            (first,), self._yielded = self._yielded, None
            if first is not None:
                first.cancel()
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield from self._coroutine.__await__())


class RunningCall:
    """A running handler, and its current task while that doesn't exist."""

    __slots__ = ("__weakref__", "_cancels", "_done", "_loop", "_name", "_task")

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._name = name
        self._task: asyncio.Task[Any] | None = None
        self._cancels = 0
        self._done = False

    def run(self, coroutine: Coroutine[Any, Any, Any], outcome: Outcome) -> None:
        """Drive the handler; `outcome(value, error)` is called once, within this call if the handler never waits."""
        context = contextvars.copy_context()
        asyncio._enter_task(self._loop, self)  # type: ignore[arg-type]  # documented for makers of tasks
        try:
            yielded = context.run(coroutine.send, None)
        except StopIteration as finished:
            self._done = True
            value, error = finished.value, None
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as raised:  # CancelledError included: the handler raised it
            self._done = True
            value, error = None, raised
        finally:
            asyncio._leave_task(self._loop, self)  # type: ignore[arg-type]  # as above
        if self._done:
            outcome(value, error)
        else:
            self._promote(_Rest(coroutine, yielded), context, outcome)

    def _promote(self, rest: _Rest, context: contextvars.Context, outcome: Outcome) -> None:
        task = self._task = self._loop.create_task(rest, name=self._name, context=context)

        def ended(task: asyncio.Task[Any]) -> None:
            self._done = True
            if task.cancelled():
                outcome(None, asyncio.CancelledError())
            else:
                error = task.exception()
                outcome(None if error else task.result(), error)

        task.add_done_callback(ended)
        for _ in range(self._cancels):
            task.cancel()

    # --- Methods of a task ------------------------------------------------------------------------------------------

    def cancel(self, msg: Any = None) -> bool:
        """As asyncio.Task.cancel."""
        if self._task is not None:
            return self._task.cancel(msg)
        if self._done:
            return False
        self._cancels += 1
        return True

    def cancelling(self) -> int:
        """As asyncio.Task.cancelling."""
        return self._task.cancelling() if self._task is not None else self._cancels

    def uncancel(self) -> int:
        """As asyncio.Task.uncancel."""
        if self._task is not None:
            return self._task.uncancel()
        self._cancels = max(0, self._cancels - 1)
        return self._cancels

    def done(self) -> bool:
        """As asyncio.Task.done."""
        return self._done

    def cancelled(self) -> bool:
        """As asyncio.Task.cancelled."""
        return self._task is not None and self._task.cancelled()

    def get_name(self) -> str:
        """As asyncio.Task.get_name."""
        return self._name

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """As asyncio.Task.get_loop."""
        return self._loop
