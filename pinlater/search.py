"""Jobs of one state on every shard: spans, continuations, and searches through bodies, in bounded time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pinlater.backends import LAST_MS, Backend, Position, ScannedJob, Span
from pinlater.body_pattern import BodyPattern
from pinlater.errors import refusal
from thrift_idl.gen.pinlater.constants import CONTINUATION_START
from thrift_idl.gen.pinlater.ttypes import ErrorCode, PinLaterJobState

Change = Callable[[Backend, Sequence[int]], Awaitable[int]]
"""Changes the jobs of these local ids on one shard; returns how many it changed."""

_PAGE_JOBS = 500
_CONTINUATION = re.compile(r"([0-9]{1,16})\.([0-9]{1,15})\.(\w{1,32})", re.ASCII)


def span_of(state: int, priorities: tuple[int, ...], future: bool, now_ms: int) -> Span:
    """The jobs of a count or a scan. Only PENDING jobs can be in the future: other states have none there."""
    if state != PinLaterJobState.PENDING:
        return Span(state, priorities, LAST_MS if future else -1)
    if future:
        return Span(state, priorities, now_ms)
    return Span(state, priorities, before=Position(now_ms + 1, 0))


@dataclass(frozen=True, slots=True)
class Continuation:
    """The job after which a scan continues: shards in the order of their names, the last first, like times and ids."""

    position: Position
    shard: str

    def __str__(self) -> str:
        return f"{self.position.due_ms}.{self.position.local_id}.{self.shard}"

    def of(self, shard: str) -> Position:
        """The position within `shard` where it continues."""
        if shard == self.shard:
            return self.position
        return Position(self.position.due_ms + (shard < self.shard), 0)


def continuation(text: str) -> Continuation | None:
    """The client's continuation; None at the start. Raises CONTINUATION_INVALID."""
    if text == CONTINUATION_START:
        return None
    found = _CONTINUATION.fullmatch(text)
    if found is None or int(found[1]) > LAST_MS:
        text = f"continuation: {text[:100]!r} is none: send {CONTINUATION_START!r}, or what the last scan returned"
        raise refusal(ErrorCode.CONTINUATION_INVALID, text)
    return Continuation(Position(int(found[1]), int(found[2])), found[3])


def going_on(span: Span, after: Continuation | None, shard: str) -> Span:
    """The rest of the span on that shard."""
    return span if after is None else replace(span, before=min(span.before, after.of(shard)))


def merged(found: Mapping[str, Sequence[ScannedJob]], limit: int) -> list[tuple[str, ScannedJob]]:
    """The first `limit` of several shards' jobs, the latest due first."""
    jobs = [(shard, job) for shard, each in found.items() for job in each]
    jobs.sort(key=lambda one: (one[1].position.due_ms, one[0], one[1].position.local_id), reverse=True)
    return jobs[:limit]


class Search:
    """One request's search in bodies: it ends with an error when its time is over."""

    def __init__(self, expression: str | None, search_ms: int) -> None:
        self._pattern = BodyPattern(expression)
        self._search_ms = search_ms
        self._end = asyncio.get_running_loop().time() + search_ms / 1000

    async def pages(
        self, backend: Backend, queue: str, span: Span, size: int = _PAGE_JOBS
    ) -> AsyncIterator[list[ScannedJob]]:
        """The span's matching jobs, the latest due first, page by page."""
        while page := await backend.scan(queue, span, size):
            yield await asyncio.to_thread(self._matching, page)
            self._check_time()
            span = replace(span, before=page[-1].position)

    async def first(self, backend: Backend, queue: str, span: Span, limit: int) -> list[ScannedJob]:
        """At most `limit` of them."""
        found: list[ScannedJob] = []
        size = min(limit, _PAGE_JOBS) if self._pattern.is_all else _PAGE_JOBS
        async for page in self.pages(backend, queue, span, size):
            found += page
            if len(found) >= limit:
                break
        return found[:limit]

    async def count(self, backend: Backend, queue: str, span: Span) -> int:
        """The number of matching jobs."""
        if self._pattern.is_all:
            return await backend.count(queue, span)
        return sum([len(page) async for page in self.pages(backend, queue, span)])

    async def change(self, backend: Backend, queue: str, span: Span, limit: int, change: Change) -> int:
        """Change at most `limit` of them; returns the number of changed jobs."""
        changed = 0
        async for page in self.pages(backend, queue, span):
            wanted = [job.position.local_id for job in page[: limit - changed]]
            changed += await change(backend, wanted)
            if changed >= limit:
                break
        return changed

    def _matching(self, page: list[ScannedJob]) -> list[ScannedJob]:
        return [job for job in page if self._pattern.matches(job.info.body or b"")]

    def _check_time(self) -> None:
        if asyncio.get_running_loop().time() > self._end:
            text = f"bodyRegexToMatch: not done in {self._search_ms} ms: narrow it by state, priority or limit"
            raise refusal(ErrorCode.UNKNOWN, text)
