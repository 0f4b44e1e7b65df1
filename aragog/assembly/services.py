"""All services together, for a command that fetches and for `aragog serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from aragog.assembly.fetching import fetcher_of, local_fetcher
from aragog.assembly.limiting import limiter_of, local_limiter
from aragog.assembly.scheduling import local_pinlater
from aragog.assembly.storing import local_store, store_of
from aragog.data_directory_lock import Waiting, owned
from aragog.settings import ExtractionSettings, Settings
from crawler.visit.extractor import IMPORTS, extract_page
from crawler.visit.visitor import Visitor
from drivers.owner_lock import Locks
from runtime.children import ChildBounds, ChildPool
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.rpc import RpcServer


@dataclass(frozen=True, slots=True)
class Assembly:
    """The services of one process, and the visitor that uses them."""

    fetcher: Fetcher
    limiter: RateLimiter
    store: UrlStore
    visitor: Visitor


def child_bounds(given: ExtractionSettings) -> ChildBounds:
    """Bounds of one page: by its CPU time. By the wall clock it has several times as much: a busy machine cuts none."""
    return ChildBounds(wall_ms=6 * given.timeout_ms, cpu_ms=given.timeout_ms, memory_bytes=given.memory_mib << 20)


def children_of(settings: Settings, size: int, imports: Sequence[str]) -> ChildPool:
    """Children for hostile bytes: pages, images."""
    return ChildPool(size, child_bounds(settings.extraction), imports)


@asynccontextmanager
async def assembled(
    settings: Settings, *, lock_wait_ms: int = 0, waiting: Waiting = lambda _: None
) -> AsyncIterator[Assembly]:
    """Everything that the settings name, opened; closed at the end of the block.

    If this process fetches or limits by itself it owns the data directory meanwhile (`DataDirectoryLocked` after
    `lock_wait_ms`; `waiting(pid)` gets the holder's pid).
    """
    async with AsyncExitStack() as stack:
        yield await assembled_on(stack, settings, lock_wait_ms, waiting)


async def assembled_on(stack: AsyncExitStack, settings: Settings, lock_wait_ms: int, waiting: Waiting) -> Assembly:
    """Like `assembled`, closed with `stack`."""
    locks = Locks()
    if settings.fetches_here:
        locks.add(await stack.enter_async_context(owned(settings.data_path, lock_wait_ms, waiting)))
    store = await stack.enter_async_context(store_of(settings))
    limiter = await stack.enter_async_context(limiter_of(settings, locks))
    fetcher = await stack.enter_async_context(fetcher_of(settings, limiter, locks))
    pool = children_of(settings, settings.extraction.children, IMPORTS)
    stack.push_async_callback(pool.close)
    return Assembly(
        fetcher,
        limiter,
        store,
        Visitor(fetcher, store, partial(extract_page, pool, text_features=settings.extraction.text_features)),
    )


async def serving(
    settings: Settings, names: Sequence[str], stack: AsyncExitStack
) -> AsyncIterator[tuple[str, str, RpcServer]]:
    """(name, address to listen on, server) of each service named, opened on `stack`; in the order of need."""
    locks = Locks()
    if "ratelimiter" in names or ("fetcher" in names and not settings.ratelimiter.service):
        locks.add(await stack.enter_async_context(owned(settings.data_path, 0, lambda _: None)))
    if "ratelimiter" in names:
        limiter: RateLimiter = await stack.enter_async_context(local_limiter(settings, locks))
        yield "ratelimiter", settings.ratelimiter.listen, RpcServer(RateLimiter, limiter)
    elif "fetcher" in names:
        limiter = await stack.enter_async_context(limiter_of(settings, locks))
    if "urlstore" in names:
        store = await stack.enter_async_context(local_store(settings))
        yield "urlstore", settings.urlstore.listen, RpcServer(UrlStore, store)
    if "pinlater" in names:
        pinlater = await stack.enter_async_context(local_pinlater(settings))
        yield "pinlater", settings.pinlater.listen, RpcServer(PinLater, pinlater)
    if "fetcher" in names:
        fetcher = await stack.enter_async_context(local_fetcher(settings, limiter, locks))
        yield "fetcher", settings.fetcher.listen, RpcServer(Fetcher, fetcher, cancellable=("fetch", "explain"))
