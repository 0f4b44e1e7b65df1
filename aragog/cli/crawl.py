"""`aragog crawl SEED...`, and the commands on crawls: ls, show, pause, resume, cancel, retry."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from aragog.cli import crawl_display
from aragog.cli.command_context import context, run
from aragog.cli.crawl_run import MakeSource, Watched, run_crawl, services_of
from aragog.cli.revisiting import RevisitRounds, revisit
from aragog.cli.terminal import say, say_json, tell
from aragog.settings import load
from crawler.frontier.crawls import CrawlState, CrawlStatus
from crawler.frontier.scope import ScopeKind
from crawler.seeds.crawl_start import CrawlRequest, read_seeds, retry
from crawler.seeds.sitemap_seeds import AUTO, SitemapSeeds, sitemap_roots
from crawler.worker.crawl_watch import CrawlProgress, failures
from thrift_idl.errors import BadConfiguration


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

From the URLs of sitemaps, too: `aragog crawl --sitemap auto|URL [SEED...]`. Stored pages are kept fresh by
`aragog crawl --revisit [--once] [SEED...]`.

After a kill or a stop, the same command continues. In the embedded assembly this process does the
work; where `pinlater.service` is set, `aragog worker` processes do, and this command watches them.

`aragog crawl start --help` lists the options.""",
)
Id = Annotated[str, typer.Argument(help="The crawl's id, as `aragog crawl ls` lists it.")]
Json = Annotated[bool, typer.Option("--json", help="JSON, one object a line.")]


@app.command("start", hidden=True)
def begin(
    seeds: Annotated[list[str] | None, typer.Argument(help="URLs to start from.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file of seeds, one a line; # begins a comment.")] = None,
    sitemap: Annotated[
        list[str] | None,
        typer.Option(help="Start from the URLs of a sitemap, too; auto: those that the seeds' robots.txt name."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--revisit", help="Keep stored pages fresh: those of the seeds' scope, or all of them.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="With --revisit: only what is due now.")] = False,
    round_ms: Annotated[int, typer.Option(help="With --revisit: how far to look ahead, in ms.")] = 600_000,
    depth: Annotated[int | None, typer.Option(help="How many links away from a seed to go.")] = None,
    max_pages: Annotated[int | None, typer.Option(help="Stop after so many pages.")] = None,
    scope: Annotated[str, typer.Option(help="Follow links within the seeds' host, domain, or any.")] = "host",
    lock_wait_ms: Annotated[int, typer.Option(help="How long to wait for the data directory's owner, in ms.")] = 0,
    as_json: Json = False,
) -> None:
    """Crawl from seeds to the end: pages, metadata, links and image signals; continues after a stop.

    Exits with 1 if it was stopped, or if an error of Aragog's own cost a page or an event.
    """
    good, kind, label = _seeds(seeds or [], file), _scope(scope), " ".join(sys.argv[2:])[:200]
    if once and not again:
        raise typer.BadParameter("goes with --revisit", param_hint="--once")
    if again and (sitemap or depth is not None or max_pages is not None):
        raise typer.BadParameter("takes no --sitemap, --depth or --max-pages", param_hint="--revisit")
    if again:
        revisiting = RevisitRounds(good, kind, once, round_ms, lock_wait_ms, label)
        whole, well = run(revisit(load(), revisiting, lambda progress, due: _report(progress, as_json, due)))
    else:
        roots = sitemap_roots(sitemap or ())
        places = tuple(root for root in roots if root != AUTO)
        wanted = CrawlRequest(good, kind, depth, max_pages, label, source=" ".join(roots), places=places)
        progress = run(run_crawl(load(), wanted, lock_wait_ms, _sitemap_source(roots, good) if roots else None))
        whole, well = progress is not None and progress.over, _report(progress, as_json)
    if not whole:
        tell("stopped; the same command continues")
    if not (whole and well):
        raise typer.Exit(1)


def _seeds(named: list[str], file: Path | None) -> tuple[str, ...]:
    """The given URLs; invalid ones are reported on standard error."""
    good, bad = read_seeds([*named, *(_file_lines(file) if file else [])])
    for line in bad:
        where = f"{file}:{line.number - len(named)}" if line.number > len(named) else "seed"
        tell(f"{where}: {line.text!r}: {line.why}; skipped")
    return good


def _sitemap_source(roots: tuple[str, ...], seeds: tuple[str, ...]) -> MakeSource:
    def troubled(url: str, what: str) -> None:
        tell(f"sitemap {url}: {what}")

    return lambda watched, fetcher: (
        SitemapSeeds(fetcher, roots, seeds, context(), troubled, watched.health.persistently).source
    )


def _report(progress: CrawlProgress | None, as_json: bool, due: int | None = None) -> bool:
    """Report the end of a crawl; True if no error of ours spoiled any of it."""
    if progress and as_json:
        round_of = {} if due is None else {"due": due}
        say_json(_as_json(progress.status) | round_of, flush=True)
    elif progress:
        crawl_display.print_summary(progress)
    if progress:
        crawl_display.print_faults(progress)
    return not progress or not (progress.faults or progress.set_aside or progress.lost)


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


async def _with_services(work: Callable[[Watched], Awaitable[Any]]) -> Any:
    async with AsyncExitStack() as stack:
        return await work(await services_of(load(), stack))


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
        say_json(_as_json(each))
    if not as_json:
        crawl_display.print_crawls(found)


@app.command("show")
def show(
    crawl_id: Id,
    failed: Annotated[bool, typer.Option("--failed", help="List the URLs that failed.")] = False,
    as_json: Json = False,
) -> None:
    """Show the state of a crawl, or the URLs that failed in it."""
    if failed:
        found = run(_with_services(lambda services: failures(services.frontier.crawls, crawl_id)))
        for each in found if as_json else ():
            say_json({"url": each.url, "code": each.code, "message": each.message})
        if not as_json:
            crawl_display.print_failures(found)
        return
    status = run(_with_services(lambda services: services.frontier.crawls.status(crawl_id)))
    say_json(_as_json(status)) if as_json else crawl_display.print_crawl(status)


def _turn(crawl_id: str, state: CrawlState) -> None:
    turned = run(_with_services(lambda services: services.frontier.crawls.turn(crawl_id, state)))
    say(f"crawl {crawl_id}: {turned}")


@app.command("pause")
def pause(crawl_id: Id) -> None:
    """Dequeue nothing more of a crawl, until it is resumed."""
    _turn(crawl_id, CrawlState.PAUSED)


@app.command("resume")
def resume(crawl_id: Id) -> None:
    """Continue a paused crawl (in the embedded assembly the work needs `aragog worker` or the crawl's command)."""
    _turn(crawl_id, CrawlState.RUNNING)


@app.command("cancel")
def cancel(crawl_id: Id) -> None:
    """End a crawl and drop its queue; stored data stays."""

    async def work(services: Watched) -> str:
        await services.frontier.crawls.turn(crawl_id, CrawlState.CANCELLED)
        queue = (await services.frontier.crawls.status(crawl_id)).crawl.queue
        await services.drop_queue(queue)
        return queue

    run(_with_services(work))
    say(f"crawl {crawl_id}: cancelled")


@app.command("retry")
def again(crawl_id: Id) -> None:
    """Give every failed URL of a crawl another try."""
    count = run(_with_services(lambda services: retry(crawl_id, services.frontier, services.jobs)))
    say(f"crawl {crawl_id}: {count} URLs will be tried again")
