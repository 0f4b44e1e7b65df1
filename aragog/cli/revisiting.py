"""`aragog crawl --revisit`: rounds, each a crawl of the pages that are due, until it is stopped."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from aragog.assembly.storing import store_of
from aragog.cli.command_context import context
from aragog.cli.crawl_run import run_crawl, unless
from aragog.cli.stop_signals import Stopping
from aragog.cli.terminal import tell
from aragog.settings import Settings
from crawler.frontier.scope import CrawlScope, ScopeKind, seed_hosts
from crawler.seeds.crawl_start import CrawlRequest
from crawler.seeds.revisit_round import Round, due
from crawler.worker.crawl_watch import CrawlProgress
from pinlater.worker import BackendHealth
from runtime.clock import wall_ms
from thrift_idl.errors import BadConfiguration

Report = Callable[[CrawlProgress | None, int], bool]
"""Called after each round with its result and the number of due pages; returns True if no error of ours spoiled it."""


@dataclass(frozen=True, slots=True)
class RevisitRounds:
    """The choice of pages to keep fresh."""

    seeds: tuple[str, ...]
    """Pages within `scope` of these; () = all stored pages."""
    scope: ScopeKind
    once: bool
    """One round of the pages due now, instead of rounds without end."""
    round_ms: int
    """The time that one round looks ahead."""
    lock_wait_ms: int
    label: str

    def __post_init__(self) -> None:
        if self.round_ms < 1_000:
            raise BadConfiguration(f"--round-ms must be 1000 or more, not {self.round_ms}")

    @property
    def wanted(self) -> CrawlRequest:
        """The crawl of a round: no links are followed; redirect targets of a page are visited, too."""
        source = " ".join(["revisit", self.scope, *self.seeds])
        return CrawlRequest((), "any", max_depth=0, label=self.label, source=source)

    @property
    def within(self) -> CrawlScope:
        """The scope of pages that are kept fresh."""
        return CrawlScope.of(self.scope, seed_hosts(self.seeds)) if self.seeds else CrawlScope("any")


async def revisit(settings: Settings, asked: RevisitRounds, report: Report) -> tuple[bool, bool]:
    """Rounds until stopped, or one; True if the last one was finished, and True if all were good."""
    well = True
    while True:
        found = await BackendHealth().persistently(lambda: _due(settings, asked))
        if found.seeds:
            await _forget_old_rounds(settings, asked.wanted.name)
            progress = await run_crawl(
                settings,
                asked.wanted,
                asked.lock_wait_ms,
                lambda _, __, found=found: found.source,  # type: ignore[misc]
            )
            well &= report(progress, len(found.seeds))
            if progress is None or not progress.over:
                return False, well
        elif asked.once:
            tell(f"nothing is due{_when(found)}")
        if asked.once or not await _slept(found, asked.round_ms):
            return True, well


async def _due(settings: Settings, asked: RevisitRounds) -> Round:
    horizon_ms = 0 if asked.once else asked.round_ms
    async with store_of(settings) as store:
        return await due(store, asked.within, context(), wall_ms(), horizon_ms)


async def _forget_old_rounds(settings: Settings, name: str) -> None:
    """Forget all ended rounds except the last, whose failures may still be read."""
    from aragog.assembly.scheduling import frontier_of  # noqa: PLC0415 - other commands start without it

    async with frontier_of(settings) as frontier:
        rounds = [each for each in await frontier.crawls.all() if re.fullmatch(rf"{name}(_\d+)?", each.crawl.id)]
        for status in rounds[1:]:  # the newest comes first
            if status.state.ended:
                await frontier.crawls.forget(status.crawl.id)


async def _slept(found: Round, round_ms: int) -> bool:
    """True if the time until the next page is due, at most a round, passed without a signal to stop."""
    stopping = Stopping()
    stopping.started()
    left_ms = round_ms if found.soonest_ms is None else found.soonest_ms - wall_ms()
    await unless(stopping.stop, asyncio.sleep(min(max(left_ms, 1_000), round_ms) / 1000))
    return not stopping.stop.is_set()


def _when(found: Round) -> str:
    if found.soonest_ms is None:
        return ", and nothing will be: no page is stored here"
    return f"; the next page is due in {max(0, found.soonest_ms - wall_ms()) / 60_000:.1f} min"
