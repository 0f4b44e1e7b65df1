"""Queues as people and pipes see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.status import Status
from rich.table import Table

from aragog.cli.console import Terminal, plain
from aragog.cli.terminal import say, say_json, tell
from thrift_idl.gen.pinlater.ttypes import PinLaterJobInfo, PinLaterJobState, PinLaterQueueStats
from thrift_idl.records import to_json

_SHOWN_BODY = 200
_COLUMNS = ("queue", "ready", "later", "claimed", "succeeded", "failed", "oldest ready", "held back")


def _print_json(value: Any) -> None:
    say_json(value)


def stats(queues: Iterable[PinLaterQueueStats], as_json: bool) -> None:
    """One line for each queue."""
    if as_json:
        for one in queues:
            _print_json(to_json(one))
        return
    table = Table(show_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in ("queue", "held back") else "right", overflow="fold")
    for one in queues:
        counts = (one.ready, one.later, one.inProgress, one.succeeded, one.failed)
        table.add_row(
            plain(one.queueName), *(f"{count:,}" for count in counts), _age(one.oldestReadyMillis), _held_back(one)
        )
    Terminal().print(table)


def card(one: PinLaterQueueStats, failed_last: Sequence[PinLaterJobInfo], as_json: bool) -> None:
    """One queue, and jobs of it that failed."""
    if as_json:
        _print_json(to_json(one))
        jobs(failed_last, as_json)
        return
    table = Table(title=f"queue {one.queueName}", title_justify="left", show_edge=False, show_header=False)
    for name, value in (
        ("ready", f"{one.ready:,}"),
        ("for later", f"{one.later:,}"),
        ("claimed", f"{one.inProgress:,}"),
        ("succeeded", f"{one.succeeded:,}"),
        ("failed", f"{one.failed:,}"),
        ("oldest ready job", _age(one.oldestReadyMillis)),
        ("held back", _held_back(one)),
    ):
        table.add_row(name, value)
    Terminal().print(table)
    if failed_last:
        Terminal().print("\nfailed last; ready again by", plain(f"aragog queue retry {one.queueName}"))
        jobs(failed_last, as_json)


def missing(shards: Sequence[str]) -> None:
    """The shards whose jobs aren't counted."""
    if shards:
        tell(f"shards that don't answer aren't counted: {', '.join(shards)}")


def jobs(found: Iterable[PinLaterJobInfo], as_json: bool) -> None:
    """One line for each job, its body as text if it is text."""
    if as_json:
        for info in found:
            body = info.body or b""
            _print_json(to_json(info) | {"jobState": _state(info), "body": body.decode("utf-8", "replace")})
        return
    table = Table(show_edge=False)
    for column in ("job", "state", "run after", "attempts left", "status", "body"):
        table.add_column(column, overflow="fold")
    for info in found:
        text = (info.body or b"").decode("utf-8", "replace")
        shown = text if len(text) <= _SHOWN_BODY else f"{text[:_SHOWN_BODY]}... ({len(text):,} characters)"
        attempts = f"{info.attemptsRemaining:,} of {info.attemptsAllowed:,}"
        row = (
            info.jobDescriptor,
            _state(info),
            _time(info.runAfterTimestampMillis),
            attempts,
            info.customStatus,
            shown,
        )
        table.add_row(*map(plain, row))
    Terminal().print(table)


def done(text: str, facts: dict[str, Any], as_json: bool) -> None:
    """The result of a command."""
    if as_json:
        _print_json(facts)
    else:
        say(text)


@contextmanager
def draining(name: str) -> Iterator[Callable[[int], None]]:
    """A line on a terminal while a queue's jobs are finished; yields the function that gets the number of jobs left."""
    console = Terminal(stderr=True)
    if not console.is_terminal:
        yield lambda left: None
        return
    with Status(plain(name), console=console) as status:
        yield lambda left: status.update(plain(f"{name}: {left:,} jobs left"))


def _state(info: PinLaterJobInfo) -> str:
    return str(PinLaterJobState._VALUES_TO_NAMES.get(info.jobState, info.jobState))


def _time(timestamp_ms: int | None) -> str:
    try:
        moment = datetime.fromtimestamp((timestamp_ms or 0) / 1000, UTC)
    except (OverflowError, ValueError):
        return "never"
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _age(age_ms: int | None) -> str:
    return "" if age_ms is None else f"{age_ms / 1000:,.1f} s"


def _held_back(one: PinLaterQueueStats) -> str:
    said = ["paused"] if one.paused else []
    if one.jobsPerSecond is not None:
        said.append(f"{one.jobsPerSecond:g}/s")
    if one.claimedAtOnce is not None:
        said.append(f"{one.claimedAtOnce:,} at once")
    return ", ".join(said)
