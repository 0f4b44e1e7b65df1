"""`aragog queue`: PinLater's queues and their jobs, directly in the store or through its service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from aragog.cli import queue_display
from aragog.cli.command_context import run
from aragog.harmless_text import harmless
from aragog.settings import load
from pinlater import PinLaterService, from_pinlater
from thrift_idl.errors import AragogError, BadConfiguration, NotFound
from thrift_idl.gen.pinlater.constants import CONTINUATION_END, CONTINUATION_START
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.pinlater.ttypes import (
    PinLaterDeleteJobsRequest,
    PinLaterDequeueRequest,
    PinLaterException,
    PinLaterJobInfo,
    PinLaterJobState,
    PinLaterLookupJobRequest,
    PinLaterQueueStats,
    PinLaterQueueStatsRequest,
    PinLaterQueueStatsResponse,
    PinLaterRetryFailedJobsRequest,
    PinLaterScanJobsRequest,
    RequestContext,
)

app = typer.Typer(
    no_args_is_help=True,
    help="""PinLater's queues: list, look into, retry, pause, empty, remove.

Works on the embedded store beside a running worker, and through the service that `pinlater.service` names.""",
)

T = TypeVar("T")
CONTEXT = RequestContext("cli")
_PRIORITIES = (1, 2, 3)
_CHUNK = 1_000
_LOOK_S = 0.5
_FAILED_SHOWN = 10

Name = Annotated[str, typer.Argument(help="A queue's name.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Match = Annotated[str | None, typer.Option(help="Only jobs with this regular expression (RE2) in their body.")]


class JobsShown(StrEnum):
    """The states of jobs as people choose them."""

    READY = "ready"
    LATER = "later"
    CLAIMED = "claimed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_STATES = {
    JobsShown.READY: PinLaterJobState.PENDING,
    JobsShown.LATER: PinLaterJobState.PENDING,
    JobsShown.CLAIMED: PinLaterJobState.IN_PROGRESS,
    JobsShown.SUCCEEDED: PinLaterJobState.SUCCEEDED,
    JobsShown.FAILED: PinLaterJobState.FAILED,
}


@app.command()
def ls(as_json: Json = False) -> None:
    """List all queues: jobs by state, age of the oldest ready job, pauses and limits."""
    found = _with(lambda pinlater: pinlater.getQueueStats(CONTEXT, PinLaterQueueStatsRequest()))
    queue_display.stats(found.queues, as_json)
    queue_display.missing(found.missingShards)


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show the counts of one queue, and the jobs that failed last."""
    found, failed = _with(lambda pinlater: _shown(pinlater, name))
    queue_display.card(found.queues[0], failed, as_json)
    queue_display.missing(found.missingShards)


@app.command()
def peek(
    name: Name,
    which: Annotated[JobsShown, typer.Option("--state", help="Which jobs.")] = JobsShown.READY,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="So many at most.")] = 10,
    match: Match = None,
    as_json: Json = False,
) -> None:
    """Show jobs with their bodies; nothing changes. Ready ones as a dequeue would get them, others the latest first."""
    queue_display.jobs(_with(lambda pinlater: _peek(pinlater, name, which, limit, match)), as_json)


@app.command()
def retry(
    name: Name,
    match: Match = None,
    attempts: Annotated[int, typer.Option(min=1, help="How many attempts each job gets.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="So many jobs of each priority at most.")] = None,
    as_json: Json = False,
) -> None:
    """Make FAILED jobs ready again."""

    def change(pinlater: PinLater) -> Change:
        return lambda priority, most: pinlater.retryFailedJobs(
            CONTEXT, PinLaterRetryFailedJobsRequest(name, priority, attempts, None, most, match)
        )

    jobs = _with(lambda pinlater: _each(change(pinlater), limit))
    queue_display.done(f"{jobs:,} jobs of {name} are ready again", {"queue": name, "retried": jobs}, as_json)


@app.command()
def pause(name: Name, as_json: Json = False) -> None:
    """Give no more jobs of a queue, on every server, until it is resumed. Claimed jobs are finished and acked.

    A mark on the queue in the store: it applies at once, wherever this command runs, and survives restarts.
    """
    _with(lambda pinlater: pinlater.pauseQueue(CONTEXT, name, True))
    queue_display.done(f"{name} is paused", {"queue": name, "paused": True}, as_json)


@app.command()
def resume(name: Name, as_json: Json = False) -> None:
    """Give jobs of a paused queue again."""

    async def go_on(pinlater: PinLater) -> bool:
        await pinlater.pauseQueue(CONTEXT, name, False)
        return (await _stats(pinlater, name)).queues[0].paused

    held = _with(go_on)
    text = f"{name} is resumed" + (", but the server's file of queues holds it" if held else "")
    queue_display.done(text, {"queue": name, "paused": held}, as_json)


@app.command()
def drain(
    name: Name,
    timeout_ms: Annotated[int, typer.Option(min=0, help="Give up after so long.")] = 600_000,
    later: Annotated[bool, typer.Option(help="Wait for the jobs that are for later, too.")] = False,
    as_json: Json = False,
) -> None:
    """Wait until a queue's jobs are finished: none ready, none claimed. Exit code 1 if that takes too long."""
    stats = _with(lambda pinlater: _drained(pinlater, name, later, timeout_ms))
    left = _left(stats, later)
    text = f"{name} is drained" if not left else f"{left:,} jobs of {name} are left"
    queue_display.done(text, {"queue": name, "left": left}, as_json)
    if left:
        raise typer.Exit(1)


@app.command()
def rm(
    name: Name,
    which: Annotated[
        JobsShown | None, typer.Option("--state", help="Only jobs of this state: the queue stays.")
    ] = None,
    match: Match = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many jobs of each priority at most.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a queue with all its jobs, or with `--state` only jobs of that state (`--state failed` purges).

    A server needs the password of the setting `pinlater.admin_password` for a whole queue.
    """
    if which is None and (match is not None or limit is not None):
        raise typer.BadParameter("--match and --limit choose jobs: name their --state")
    if which in (JobsShown.READY, JobsShown.LATER):
        raise typer.BadParameter("ready jobs and those for later go together: only --state succeeded, failed, claimed")
    if not yes:
        what = "the queue" if which is None else f"{which} jobs of"
        typer.confirm(f"Remove {what} {harmless(name)}?", abort=True, err=True)
    if which is None:
        _with(lambda pinlater: _remove(pinlater, name))
        queue_display.done(f"{name} is gone", {"queue": name, "removed": "queue"}, as_json)
        return
    state = _STATES[which]

    def change(pinlater: PinLater) -> Change:
        return lambda priority, most: pinlater.deleteJobs(
            CONTEXT, PinLaterDeleteJobsRequest(name, state, priority, match, most)
        )

    jobs = _with(lambda pinlater: _each(change(pinlater), limit))
    queue_display.done(f"{jobs:,} jobs of {name} are gone", {"queue": name, "removed": jobs}, as_json)


# --- parts ---

Change = Callable[[int, int], Awaitable[int]]
"""Changes jobs of a priority, at most that many; returns the number of changed jobs."""


def _with(ask: Callable[[PinLater], Awaitable[T]]) -> T:
    """PinLater's answer. Raises errors of our tree."""
    from aragog.assembly.scheduling import visited_pinlater  # noqa: PLC0415 - `--help` needs none of this

    async def asked() -> Any:
        async with visited_pinlater(load()) as pinlater:
            try:
                return await ask(pinlater)
            except PinLaterException as error:
                cause = error.__cause__
                raise (cause if isinstance(cause, AragogError) else from_pinlater(error)) from error

    found: T = run(asked())
    return found


async def _shown(pinlater: PinLater, name: str) -> tuple[PinLaterQueueStatsResponse, Sequence[PinLaterJobInfo]]:
    stats = await _stats(pinlater, name)
    failed = await _peek(pinlater, name, JobsShown.FAILED, _FAILED_SHOWN, None) if stats.queues[0].failed else ()
    return stats, tuple(failed)


async def _stats(pinlater: PinLater, name: str) -> PinLaterQueueStatsResponse:
    found = await pinlater.getQueueStats(CONTEXT, PinLaterQueueStatsRequest((name,)))
    if not found.queues:
        raise NotFound(f"no queue {name!r}: `aragog queue ls` shows all")
    return found


async def _peek(
    pinlater: PinLater, name: str, which: JobsShown, limit: int, match: str | None
) -> Iterable[PinLaterJobInfo]:
    if which is JobsShown.READY and match is None:
        shown = await pinlater.dequeueJobs(CONTEXT, PinLaterDequeueRequest(name, limit, dryRun=True))
        names = tuple(shown.jobs or {})
    else:
        names = await _scanned(pinlater, name, which, limit, match)
    infos = await pinlater.lookupJobs(CONTEXT, PinLaterLookupJobRequest(names, True))
    return [infos[descriptor] for descriptor in names if descriptor in infos]


async def _scanned(pinlater: PinLater, name: str, which: JobsShown, limit: int, match: str | None) -> tuple[str, ...]:
    names: list[str] = []
    place = CONTINUATION_START
    while place != CONTINUATION_END and len(names) < limit:
        scan = PinLaterScanJobsRequest(
            name,
            _STATES[which],
            scanFutureJobs=which is JobsShown.LATER,
            continuation=place,
            limit=limit - len(names),
            bodyRegexToMatch=match,
        )
        found = await pinlater.scanJobs(CONTEXT, scan)
        names += [info.jobDescriptor for info in found.scannedJobs]
        place = found.continuation
    return tuple(names)


async def _each(change: Change, limit: int | None) -> int:
    """Change jobs of every priority, in chunks; returns their number."""
    total = 0
    for priority in _PRIORITIES:
        left = limit
        while left is None or left > 0:
            most = _CHUNK if left is None else min(left, _CHUNK)
            changed = await change(priority, most)
            total += changed
            left = None if left is None else left - changed
            if changed < most:
                break
    return total


def _left(stats: PinLaterQueueStats, later: bool) -> int:
    return stats.ready + stats.inProgress + (stats.later if later else 0)


async def _drained(pinlater: PinLater, name: str, later: bool, timeout_ms: int) -> PinLaterQueueStats:
    """The queue's counts once its jobs are finished, or when the time is over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_ms / 1000
    with queue_display.draining(name) as tell:
        while True:
            stats = (await _stats(pinlater, name)).queues[0]
            tell(_left(stats, later))
            if not _left(stats, later) or loop.time() >= end:
                return stats
            await asyncio.sleep(_LOOK_S)


async def _remove(pinlater: PinLater, name: str) -> None:
    await _stats(pinlater, name)
    if isinstance(pinlater, PinLaterService):
        await pinlater.drop_queue(name)
        return
    password = load().pinlater.admin_password
    if not password:
        raise BadConfiguration("pinlater.admin_password: the server wants it for a queue's removal")
    await pinlater.deleteQueue(CONTEXT, name, password)
