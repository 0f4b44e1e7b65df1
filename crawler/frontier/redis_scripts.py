"""The frontier's scripts on one Redis: three keys a crawl, in one hash slot, all of them declared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from crawler.frontier.entry import FrontierEntry, unpack
from crawler.frontier.scripts import script
from drivers import redis
from runtime.clock import wall_ms
from weburl import KEY_VERSION
from weburl.earlier_key_versions import check_key_version

Argument = str | bytes | int
_WHAT = "the frontier (redis)"
_NAMES = (
    *("unknown", "schedule", "claim", "release", "finish", "disown", "give_up"),
    *("create", "seeded", "turn", "reopen", "forget", "rekey"),
)


class FrontierScripts:
    """Runs scripts of one crawl. Raises `BackendDown` and its kinds; `StoreTooOld` and `StoreTooNew` unless `any_keys`.

    No script is repeated by itself after its connection broke; every one may be.
    """

    def __init__(self, url: str, *, any_keys: bool = False) -> None:
        self._any_keys = any_keys
        self.client: Any = redis.connect(url)  # its type hints don't know that it returns bytes
        self._prefix = f"{redis.prefix_of(url)}frontier:"
        self._scripts = {name: self.client.register_script(script(name)) for name in _NAMES}

    @property
    def index(self) -> str:
        """The key of the sorted set of crawl ids by creation time: a slot of its own, no script touches it."""
        return f"{self._prefix}crawls"

    async def check(self) -> None:
        """Raise `StoreTooOld` or `StoreTooNew` if the URL keys have another version; checked once."""
        if not self._any_keys:
            check_key_version(await self.key_version(), _WHAT)
            self._any_keys = True

    async def key_version(self) -> int:
        """The noted version. A frontier with crawls and no note is of version 1; a new one notes our version."""
        with redis.answering(_WHAT):
            noted = await self.client.get(self._key_version)
            if noted is None:
                noted = 1 if await self.client.exists(self.index) else KEY_VERSION
                await self.client.set(self._key_version, noted, nx=True)
        return int(noted)

    async def write_key_version(self, version: int) -> None:
        """Note the version."""
        with redis.answering(_WHAT):
            await self.client.set(self._key_version, version)

    @property
    def _key_version(self) -> str:
        return f"{self._prefix}key_version"

    def keys(self, crawl_id: str) -> tuple[str, str, str]:
        """The crawl, its entries, its failures."""
        stem = f"{self._prefix}{{{crawl_id}}}"
        return f"{stem}:crawl", f"{stem}:entries", f"{stem}:failures"

    async def run(self, name: str, crawl_id: str, arguments: Sequence[Argument] = ()) -> Any:
        """The answer of the script `name`."""
        await self.check()
        now_ms = wall_ms()
        with redis.answering(_WHAT):
            return await self._scripts[name](keys=self.keys(crawl_id), args=(now_ms, *arguments))

    async def entries(self, crawl_id: str) -> AsyncIterator[Mapping[bytes, FrontierEntry]]:
        """All entries of a crawl, by a scan of its hash."""
        await self.check()
        _, entries_key, _ = self.keys(crawl_id)
        cursor = None
        while cursor != 0:
            with redis.answering(_WHAT):
                cursor, found = await self.client.hscan(entries_key, cursor or 0, count=1_000)
            yield {key: unpack(packed) for key, packed in found.items()}
