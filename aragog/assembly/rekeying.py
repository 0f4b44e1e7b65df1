"""The stores that `aragog store rekey` works on: opened with keys of any version, once no other process uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aragog.assembly.backends import frontiers_of_any_keys, metadata_of_any_keys, open_backend
from aragog.assembly.scheduling import visited_pinlater
from aragog.data_directory_lock import owned
from aragog.rekey import Rekey, RekeyProgress
from aragog.settings import Settings
from crawler.job.job_queues import JobQueues
from runtime.clock import wall_ms
from thrift_idl.errors import BackendDown, BadConfiguration, InvalidRequest
from thrift_idl.rpc.ping import answer_ms

_PATIENCE_MS = 2_000


@asynccontextmanager
async def rekey_of(settings: Settings, tell: Callable[[RekeyProgress], None]) -> AsyncIterator[Rekey]:
    """A conversion of the store and the frontier that the settings name.

    Raises `BadConfiguration` if they name a service's store by its service alone, `DataDirectoryLocked` and
    `InvalidRequest` if another process uses it.
    """
    given = settings.urlstore
    is_here = given.metadata.startswith("sqlite:")
    if given.service:
        await _check_service(given.service, is_here)
    async with AsyncExitStack() as stack:
        if is_here or settings.fetches_here:
            await stack.enter_async_context(owned(settings.data_path, 0, lambda _: None))
        metadata = await open_backend("urlstore.metadata", metadata_of_any_keys(), given.metadata, settings)
        stack.push_async_callback(metadata.close)
        frontier = await open_backend("crawl.frontier", frontiers_of_any_keys(), settings.crawl.frontier, settings)
        stack.push_async_callback(frontier.close)
        jobs = JobQueues(await stack.enter_async_context(visited_pinlater(settings)), "rekey")
        if (
            settings.pinlater.service
        ):  # in this process the lock shows it, and claims of dead workers stay until they are requested
            await _check_workers(jobs)
        yield Rekey(metadata, frontier, jobs, wall_ms, tell)


async def _check_service(address: str, is_here: bool) -> None:
    """Raise unless the store is named, and its service stopped."""
    if is_here:
        raise BadConfiguration(
            f"urlstore.service is {address}, and urlstore.metadata names no store of several machines:"
            " run this with the settings of that service, which say where its rows are"
        )
    try:
        await answer_ms(address, _PATIENCE_MS)
    except BackendDown:
        return
    raise InvalidRequest(f"the urlstore at {address} answers: stop it, and the workers, before keys are converted")


async def _check_workers(jobs: JobQueues) -> None:
    if claimed := await jobs.claimed():
        raise InvalidRequest(
            f"workers hold {claimed} jobs: stop them; jobs of one that died come back after crawl.claim_timeout_ms"
        )
