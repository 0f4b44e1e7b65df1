"""`aragog crawl SEED...`, and what one does with crawls: ls, show, pause, resume, cancel, retry."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer
from typer.core import TyperGroup

from aragog.cli import crawl_display
from aragog.cli.pages import tell_waiting
from aragog.cli.run import run
from aragog.cli.stopping import Stopping
from aragog.crawl.crawls import CrawlState, CrawlStatus, Failure
from aragog.crawl.frontier import Frontier
from aragog.crawl.queues import JobQueues
from aragog.crawl.scope import ScopeKind
from aragog.crawl.start import Wanted, read_seeds, retry, start
from aragog.crawl.tally import Tally
from aragog.crawl.watch import Progress, watch
from aragog.settings import Settings, load
from pinlater.worker import Health
from thrift_idl.errors import BackendDown, BadConfiguration

T = TypeVar("T")


class SeedsOrCommand(TyperGroup):
    """`crawl ls` is a command; `crawl http://...` and `crawl --depth 2 ...` begin a crawl."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the hidden command before seeds."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["start", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=SeedsOrCommand,
    no_args_is_help=True,
    help="""Crawl from seeds: `aragog crawl [--depth N] [--max-pages N] [--scope host|domain|any] SEED...`

Killed or stopped at any point, the same command goes on where it was. In the embedded assembly this process does the
work; where `pinlater.service` is set, `aragog worker` processes do, and this command watches them.

`aragog crawl start --help` lists the options.""",
)
Id = Annotated[str, typer.Argument(help="The crawl's id, as `aragog crawl ls` lists it.")]
Json = Annotated[bool, typer.Option("--json", help="JSON, one object a line.")]


@dataclass(frozen=True, slots=True)
class _Watched:
    """What starting and watching a crawl needs; with a worker where this process does the work."""

    frontier: Frontier
    jobs: JobQueues
    drop_queue: Callable[[str], Awaitable[None]]
    drops_queue: bool
    """Whether that is possible: a crawl that has its queue isn't over."""
    health: Health = field(default_factory=Health)
    tally: Tally | None = None
    work: Callable[[asyncio.Event], Awaitable[None]] | None = None


@app.command("start", hidden=True)
def begin(
    seeds: Annotated[list[str] | None, typer.Argument(help="URLs to start from.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file of seeds, one a line; # begins a comment.")] = None,
    depth: Annotated[int | None, typer.Option(help="How many links away from a seed to go.")] = None,
    max_pages: Annotated[int | None, typer.Option(help="Stop after so many pages.")] = None,
    scope: Annotated[str, typer.Option(help="Follow links within the seeds' host, domain, or any.")] = "host",
    lock_wait_ms: Annotated[int, typer.Option(help="How long to wait for the data directory's owner, in ms.")] = 0,
    as_json: Json = False,
) -> None:
    """Crawl from seeds to the end: pages, metadata, links and image signals; resumes where it was."""
    lines = [*(seeds or []), *(_file_lines(file) if file else [])]
    good, bad = read_seeds(lines)
    offset = len(seeds or [])
    for line in bad:
        where = f"{file}:{line.number - offset}" if line.number > offset else "seed"
        print(f"aragog: {where}: {line.text!r}: {line.why}; skipped", file=sys.stderr)
    label = " ".join(sys.argv[2:])[:200]
    wanted = Wanted(good, _scope(scope), depth, max_pages, label)
    progress = run(_crawl(load(), wanted, lock_wait_ms))
    if progress and as_json:
        print(orjson.dumps(_as_json(progress.status)).decode())
    elif progress:
        crawl_display.print_summary(progress)
    if not progress or not progress.over:
        print("aragog: stopped; the same command goes on where it was", file=sys.stderr)
        raise typer.Exit(1)


def _file_lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise BadConfiguration(f"{file}: {error.strerror}") from error


def _scope(text: str) -> ScopeKind:
    for kind in ("host", "domain", "any"):
        if text == kind:
            return kind
    raise BadConfiguration(f"--scope {text}: use host, domain or any")


async def _crawl(settings: Settings, wanted: Wanted, lock_wait_ms: int) -> Progress | None:
    """How far the crawl came; None where it was stopped before it began."""
    stopping = Stopping()
    try:
        async with _watched(settings, lock_wait_ms) as watched:
            crawl_id = await watched.health.persistently(lambda: _start(watched, wanted))
            stopping.started()
            return await _work_and_watch(watched, crawl_id, stopping.stop)
    except asyncio.CancelledError:
        if not stopping.broken_off:
            raise
    return None


async def _start(watched: _Watched, wanted: Wanted) -> str:
    now_ms = time.time_ns() // 1_000_000
    return await start(wanted, watched.frontier, watched.jobs, now_ms, drops_queue=watched.drops_queue)


async def _work_and_watch(watched: _Watched, crawl_id: str, stop: asyncio.Event) -> Progress | None:
    """How far the crawl came; None where it was stopped before anybody could tell."""
    working = asyncio.ensure_future(watched.work(stop)) if watched.work else None
    display = crawl_display.Display(watched.tally)
    watching = watch(crawl_id, watched.frontier, watched.jobs, watched.health.persistently)
    progress: Progress | None = None
    try:
        with display.showing():
            while (latest := await _unless(stop, anext(watching, None))) is not None:
                progress = latest
                display.show(progress)
        if progress and progress.over:
            queue = progress.status.crawl.queue
            await _unless(stop, watched.health.persistently(lambda: watched.drop_queue(queue)))
    finally:
        stop.set()
        if working:
            await working
    if progress and not progress.over:
        with suppress(BackendDown):  # then what was seen last must do; draining has ended some more
            progress = replace(progress, status=await watched.frontier.crawls.status(crawl_id))
    return progress


async def _unless(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """What `work` returns; None once told to stop."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))
        return None
    return task.result()


@asynccontextmanager
async def _watched(settings: Settings, lock_wait_ms: int) -> AsyncIterator[_Watched]:
    """With a worker in this process, unless PinLater is a service: then workers are processes of their own."""
    async with AsyncExitStack() as stack:
        if not settings.pinlater.service:
            from aragog.assembly.working import working  # noqa: PLC0415 - all services; ls and show start without them

            work = working(settings, lock_wait_ms=lock_wait_ms, waiting=tell_waiting)
            worker = await stack.enter_async_context(work)
            seen = worker.health, worker.tally
            yield _Watched(worker.frontier, worker.jobs, worker.drop_queue, True, *seen, worker.run)
            return
        yield await _services(settings, stack)


async def _services(settings: Settings, stack: AsyncExitStack) -> _Watched:
    """Frontier and PinLater without a worker."""
    from aragog.assembly.scheduling import dropper, frontier_of, local_pinlater, pinlater_of  # noqa: PLC0415 - as above

    pinlater = await stack.enter_async_context(
        pinlater_of(settings) if settings.pinlater.service else local_pinlater(settings)
    )
    jobs = JobQueues(pinlater, "cli")
    frontier = await stack.enter_async_context(frontier_of(settings))
    drops_queue = not settings.pinlater.service or bool(settings.pinlater.admin_password)
    return _Watched(frontier, jobs, dropper(settings, pinlater, jobs), drops_queue)


async def _with_services(work: Callable[[_Watched], Awaitable[Any]]) -> Any:
    async with AsyncExitStack() as stack:
        return await work(await _services(load(), stack))


def _as_json(status: CrawlStatus) -> dict[str, Any]:
    return {
        "id": status.crawl.id,
        "state": status.state.value,
        "label": status.crawl.label,
        "pages": status.counters.pages,
        "open": status.counters.open,
        "done": status.counters.done,
        "failed": status.counters.failed,
        "outcomes": dict(status.outcomes),
    }


@app.command("ls")
def ls(as_json: Json = False) -> None:
    """List all crawls, the newest first."""
    found: Sequence[CrawlStatus] = run(_with_services(lambda services: services.frontier.crawls.all()))
    for each in found if as_json else ():
        print(orjson.dumps(_as_json(each)).decode())
    if not as_json:
        crawl_display.print_crawls(found)


@app.command("show")
def show(
    crawl_id: Id,
    failed: Annotated[bool, typer.Option("--failed", help="List the URLs that failed.")] = False,
    as_json: Json = False,
) -> None:
    """Show how a crawl stands, or the URLs that failed in it."""
    if failed:
        failures = run(_with_services(lambda services: _failures(services.frontier, crawl_id)))
        for each in failures if as_json else ():
            print(orjson.dumps({"url": each.url, "code": each.code, "message": each.message}).decode())
        if not as_json:
            crawl_display.print_failures(failures)
        return
    status = run(_with_services(lambda services: services.frontier.crawls.status(crawl_id)))
    print(orjson.dumps(_as_json(status)).decode()) if as_json else crawl_display.print_crawl(status)


async def _failures(frontier: Frontier, crawl_id: str) -> list[Failure]:
    found: list[Failure] = []
    while some := await frontier.crawls.failures(crawl_id, found[-1].key if found else b""):
        found += some
    return found


def _turn(crawl_id: str, state: CrawlState) -> None:
    turned = run(_with_services(lambda services: services.frontier.crawls.turn(crawl_id, state)))
    print(f"crawl {crawl_id}: {turned}")


@app.command("pause")
def pause(crawl_id: Id) -> None:
    """Dequeue nothing more of a crawl, until it is resumed."""
    _turn(crawl_id, CrawlState.PAUSED)


@app.command("resume")
def resume(crawl_id: Id) -> None:
    """Go on with a paused crawl (in the embedded assembly the work needs `aragog worker` or the crawl's command)."""
    _turn(crawl_id, CrawlState.RUNNING)


@app.command("cancel")
def cancel(crawl_id: Id) -> None:
    """End a crawl and drop its queue; what was stored stays."""

    async def work(services: _Watched) -> str:
        await services.frontier.crawls.turn(crawl_id, CrawlState.CANCELLED)
        queue = (await services.frontier.crawls.status(crawl_id)).crawl.queue
        await services.drop_queue(queue)
        return queue

    run(_with_services(work))
    print(f"crawl {crawl_id}: cancelled")


@app.command("retry")
def again(crawl_id: Id) -> None:
    """Give every failed URL of a crawl another try."""
    count = run(_with_services(lambda services: retry(crawl_id, services.frontier, services.jobs)))
    print(f"crawl {crawl_id}: {count} URLs will be tried again")
