"""The frontier's scripts on one Redis: three keys a crawl, in one hash slot, all of them declared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from aragog.crawl.frontier.scripts import script
from drivers import redis

Argument = str | bytes | int
_NAMES = ("unknown", "schedule", "claim", "release", "finish", "seeded", "turn", "reopen", "create", "forget")


class FrontierScripts:
    """Runs scripts of one crawl. Raises `BackendDown` and its kinds.

    None is repeated by itself where its connection broke; every one may be.
    """

    def __init__(self, url: str) -> None:
        self.client: Any = redis.connect(url)  # its type hints don't know that it answers bytes
        self._prefix = f"{redis.prefix_of(url)}frontier:"
        self._scripts = {name: self.client.register_script(script(name)) for name in _NAMES}

    @property
    def index(self) -> str:
        """The key of the sorted set of crawl ids by creation time: a slot of its own, no script touches it."""
        return f"{self._prefix}crawls"

    def keys(self, crawl_id: str) -> tuple[str, str, str]:
        """The crawl, its entries, its failures."""
        stem = f"{self._prefix}{{{crawl_id}}}"
        return f"{stem}:crawl", f"{stem}:entries", f"{stem}:failures"

    async def run(self, name: str, crawl_id: str, arguments: Sequence[Argument] = ()) -> Any:
        """The answer of the script `name`."""
        now_ms = time.time_ns() // 1_000_000
        with redis.answering("the frontier (redis)"):
            return await self._scripts[name](keys=self.keys(crawl_id), args=(now_ms, *arguments))
