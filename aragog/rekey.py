"""The conversion of everything that holds URL keys of an earlier version: the work of `aragog store rekey`.

The frontier's open entries are converted with their jobs, which name the URLs; its failed ones with the list of
failures; the others, and all data of the store, with the store's rows, in its own order. A run that was killed is
repeated: the store keeps the place that was reached. The frontier's version is written before the store's, so that no
process can crawl, or write into the store, before both are converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from crawler.frontier import Frontier, Rekeyed
from crawler.job.body import BadJob, CrawlJob, JobTooNew
from crawler.job.job_queues import JobQueues
from recommender_hooks.images import image_state
from thrift_idl.errors import InvalidUrl, StoreTooNew, StoreUnreadable
from urlstore.backends import AttributeWrite, KeyState, MetadataBackend
from urlstore.cells import decode_attribute
from urlstore.rekeying import Rekeying, Renamed, renamed
from weburl import KEY_VERSION, url_key
from weburl.earlier_key_versions import check_not_newer, earlier_keys

BATCH = 100
"""Rows at a time: bounds the memory, and the work repeated after a kill."""

_FAILURES = 1_000


@dataclass(slots=True)
class RekeyReport:
    """The work of a run; of a resumed one, since then."""

    from_version: int
    to_version: int = KEY_VERSION
    rows: int = 0
    """Rows that were read."""
    moved: int = 0
    """Rows that are under other keys now."""
    relinked: int = 0
    """Other pages whose links lead to other keys now."""
    attributes: int = 0
    frontier_entries: int = 0


@dataclass(frozen=True, slots=True)
class RekeyProgress:
    """The progress of a run."""

    after: bytes
    """The place in the store's order; empty at the end."""
    report: RekeyReport


class Rekey:
    """One run over a store and a frontier, both opened with `any_keys`; no other process uses them meanwhile.

    `jobs` gives the queues when a frontier has to be converted.
    """

    def __init__(
        self,
        metadata: MetadataBackend,
        frontier: Frontier,
        jobs: JobQueues,
        clock_ms: Callable[[], int],
        tell: Callable[[RekeyProgress], None] = lambda _: None,
    ) -> None:
        self._metadata = metadata
        self._frontier = frontier
        self._jobs = jobs
        self._clock_ms = clock_ms
        self._tell = tell
        self._crawls: Sequence[str] = ()

    async def run(self) -> RekeyReport:
        """Convert everything that needs it. Raises `StoreTooNew`, and the backends' errors."""
        store, frontier = await self._metadata.key_state(), await self._frontier.key_version()
        for version in (store.version, frontier):
            check_not_newer(version, "the store or its frontier")
        report = RekeyReport(min(store.version, frontier))
        if frontier < KEY_VERSION:
            await self._begin_frontier(frontier, report)
        if report.from_version < KEY_VERSION:
            await self._convert_rows(store, frontier, report)
        if frontier < KEY_VERSION:
            await self._frontier.write_key_version(KEY_VERSION)
        if store.version < KEY_VERSION:
            await self._metadata.write_key_state(KeyState(KEY_VERSION))
        return report

    async def look(self) -> RekeyReport:
        """The changes that `run` would make to rows, counted; nothing is written."""
        store = await self._metadata.key_state()
        report = RekeyReport(store.version)
        rekeying = self._rekeying(store.version)
        after = b""
        while rows := await self._metadata.scan_rows(after, BATCH):
            plans = await rekeying.plans(rows)
            report.rows += len(rows)
            report.moved += sum(each.is_misplaced for each in plans)
            report.relinked += sum(bool(each.named and each.row.linked) and not each.is_misplaced for each in plans)
            after = rows[-1].key
            self._tell(RekeyProgress(after, report))
        return report

    def _rekeying(self, version: int) -> Rekeying:
        return Rekeying(self._metadata, version, partial(owns, version), self._clock_ms)

    # --- the store ---

    async def _convert_rows(self, store: KeyState, frontier: int, report: RekeyReport) -> None:
        is_old = store.version < KEY_VERSION
        rekeying = self._rekeying(store.version if is_old else frontier)
        # The notes of an earlier run are valid for the frontier as well: both are converted batch by batch.
        after = store.after if is_old else b""
        while rows := await self._metadata.scan_rows(after, BATCH):
            plans = await rekeying.plans(rows)
            report.rows += len(rows)
            after = rows[-1].key
            if is_old:
                done = await rekeying.convert(plans)
                report.moved += len(done.moved)
                report.relinked += done.relinked
                report.attributes += done.attributes
                await self._entries((*done.moved, *done.named), report)
                await self._metadata.write_key_state(KeyState(store.version, after))
            else:
                urls = renamed([each.row.url for each in plans], frontier)
                await self._entries((*urls, *await rekeying.without_rows(plans)), report)
            self._tell(RekeyProgress(after, report))
        self._tell(RekeyProgress(b"", report))

    # --- the frontier ---

    async def _begin_frontier(self, version: int, report: RekeyReport) -> None:
        """Entries with a known URL: open entries by their jobs, failed ones by the list."""
        statuses = await self._frontier.crawls.all()
        self._crawls = [status.crawl.id for status in statuses]
        for queue in dict.fromkeys(status.crawl.queue for status in statuses):
            async for bodies in self._jobs.all_jobs(queue):
                for descriptor, body in bodies.items():
                    await self._open_entry(descriptor, body, version, report)
        for crawl_id in self._crawls:
            await self._failed_entries(crawl_id, version, report)

    async def _open_entry(self, descriptor: str, body: bytes, version: int, report: RekeyReport) -> None:
        try:
            job = CrawlJob.decode(body)
        except (BadJob, JobTooNew):  # the worker that dequeues it handles it
            return
        moves = [Rekeyed(url.old, url.new, descriptor) for url in renamed((job.url,), version)]
        if moves and job.crawl in self._crawls:
            report.frontier_entries += await self._frontier.rekey(job.crawl, moves)

    async def _failed_entries(self, crawl_id: str, version: int, report: RekeyReport) -> None:
        after = b""
        while failures := await self._frontier.crawls.failures(crawl_id, after, _FAILURES):
            moves = [
                Rekeyed(url.old, url.new)
                for each in failures
                for url in renamed((each.url,), version)
                if url.old == each.key  # a redirect's failure names the URL where it failed
            ]
            if moves:
                report.frontier_entries += await self._frontier.rekey(crawl_id, moves)
            after = failures[-1].key

    async def _entries(self, urls: Iterable[Renamed], report: RekeyReport) -> None:
        """Entries that are done, in all crawls."""
        moves = [Rekeyed(url.old, url.new) for url in urls]
        for crawl_id in self._crawls if moves else ():
            report.frontier_entries += await self._frontier.rekey(crawl_id, moves)


def owns(version: int, url: Renamed, attributes: Sequence[AttributeWrite]) -> bool:
    """True if attributes under `url`'s key of `version` are its own; no row names their owner.

    They aren't if they describe an image that another URL of that key served.
    """
    for each in attributes:
        if (each.attribute_namespace, each.name) == (image_state.NAMESPACE, image_state.NAME):
            served_by = _served_by(each.cell)
            return url.old not in earlier_keys(served_by, version) or _key(served_by) == url.new
    return True


def _key(url: str) -> bytes | None:
    try:
        return url_key(url)
    except InvalidUrl:
        return None


def _served_by(cell: bytes) -> str:
    """The URL that served the image of a state; "" = none, or the cell can't be read."""
    try:
        state = image_state.decode(decode_attribute(cell))
    except (StoreTooNew, StoreUnreadable):
        return ""
    return state.url if state else ""
