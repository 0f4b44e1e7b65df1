"""The crawls of a frontier in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crawler.frontier.crawls import Crawl, CrawlState, CrawlStatus, Failure, may_turn
from crawler.frontier.entry import EntryState
from crawler.frontier.records import (
    check_keys,
    counters,
    found,
    pack_crawl,
    pack_hosts,
    slices,
    unpack_crawl,
    unpack_failure,
    unpack_hosts,
)
from crawler.frontier.redis_scripts import FrontierScripts
from drivers import redis
from thrift_idl.errors import InvalidRequest

_OUTCOME = b"outcome:"
_FAILURES_AT_ONCE = 1_000
_WHAT = "the frontier (redis)"


class RedisCrawls:
    """`Crawls` over Redis. The index of ids names a crawl before it exists, and until it is gone."""

    def __init__(self, scripts: FrontierScripts) -> None:
        self._scripts = scripts
        self._client = scripts.client

    async def create(self, crawl: Crawl, hosts: Sequence[str] = ()) -> bool:
        """The index first, so that no crawl is ever hidden; then one script."""
        limited = int(crawl.max_depth is not None)
        max_pages = "" if crawl.max_pages is None else crawl.max_pages
        arguments = (pack_crawl(crawl), pack_hosts(hosts), limited, max_pages)
        await self._scripts.check()
        with redis.answering(_WHAT):
            await self._client.zadd(self._scripts.index, {crawl.id: crawl.created_ms}, nx=True)
        return bool(await self._scripts.run("create", crawl.id, arguments))

    async def seeded(self, crawl_id: str) -> CrawlState:
        """One script."""
        return CrawlState(found(await self._scripts.run("seeded", crawl_id), crawl_id).decode())

    async def status(self, crawl_id: str) -> CrawlStatus:
        """Two reads: its fields except the hosts, which may be megabytes."""
        return found(await self._status(crawl_id), crawl_id)

    async def hosts(self, crawl_id: str) -> frozenset[str]:
        """One read."""
        crawl_key, _, _ = self._scripts.keys(crawl_id)
        with redis.answering(_WHAT):
            packed = await self._client.hget(crawl_key, "hosts")
        return unpack_hosts(found(packed, crawl_id))

    async def all(self) -> Sequence[CrawlStatus]:
        """One read of the index, then one status each."""
        with redis.answering(_WHAT):
            ids = await self._client.zrevrange(self._scripts.index, 0, -1)
        stats = [await self._status(crawl_id.decode()) for crawl_id in ids]
        return [status for status in stats if status is not None]

    async def turn(self, crawl_id: str, state: CrawlState) -> CrawlState:
        """One script."""
        before = [known.value for known in CrawlState if may_turn(known, state)]
        was = CrawlState(found(await self._scripts.run("turn", crawl_id, (state.value, *before)), crawl_id).decode())
        if not may_turn(was, state):
            raise InvalidRequest(f"the crawl is {was}: it can't become {state} any more")
        return state

    async def failures(self, crawl_id: str, after: bytes = b"", limit: int = 1000) -> Sequence[Failure]:
        """The whole list is scanned in parts and sorted here: failed URLs are few, and only people ask for them."""
        await self.status(crawl_id)
        _, _, failures_key = self._scripts.keys(crawl_id)
        with redis.answering(_WHAT):
            scan = self._client.hscan_iter(failures_key, count=_FAILURES_AT_ONCE)
            stored = {key: packed async for key, packed in scan}
        behind = sorted(key for key in stored if key > after)[:limit]
        return [unpack_failure(key, stored[key]) for key in behind]

    async def reopen(self, crawl_id: str, keys: Sequence[bytes]) -> Mapping[bytes, int]:
        """One script a slice."""
        check_keys(keys)
        reopened: dict[bytes, int] = {}
        for part in slices(keys):
            wanted = found(await self._scripts.run("reopen", crawl_id, part), crawl_id)
            if isinstance(wanted, bytes):
                raise InvalidRequest("the crawl is cancelled: start a new one")
            reopened |= {part[wanted[i] - 1]: wanted[i + 1] for i in range(0, len(wanted), 2)}
        return reopened

    async def forget(self, crawl_id: str) -> None:
        """The keys are freed in the server's background; the index goes last."""
        state = await self._scripts.run("forget", crawl_id)
        if state is not None:
            raise InvalidRequest(f"the crawl is {state.decode()}: cancel it before it is forgotten")
        with redis.answering(_WHAT):
            await self._client.zrem(self._scripts.index, crawl_id)

    async def _status(self, crawl_id: str) -> CrawlStatus | None:
        crawl_key, _, _ = self._scripts.keys(crawl_id)
        with redis.answering(_WHAT):
            names = [name for name in await self._client.hkeys(crawl_key) if name != b"hosts"]
            values = await self._client.hmget(crawl_key, names) if names else []
        fields = dict(zip(names, values, strict=True))
        return _status_of(fields) if fields.get(b"state") else None


def _status_of(fields: Mapping[bytes, bytes]) -> CrawlStatus:
    counts = (int(fields[state.name.lower().encode()]) for state in EntryState)
    codes = sorted(name for name in fields if name.startswith(_OUTCOME))
    return CrawlStatus(
        crawl=unpack_crawl(fields[b"description"]),
        state=CrawlState(fields[b"state"].decode()),
        counters=counters(counts, int(fields[b"pages"])),
        seeded=fields[b"seeded"] == b"1",
        ended_ms=int(fields[b"ended_ms"]),
        outcomes={name.removeprefix(_OUTCOME).decode(): int(fields[name]) for name in codes},
    )
