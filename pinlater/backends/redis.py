"""Jobs in one Redis (7 or later): one shard. One Lua script makes all changes that belong together.

The Redis must be a durable one: `appendonly yes` and `maxmemory-policy noeviction`. An answer is given after its
write is in the append-only file, so that everything acknowledged survives kill -9 of Redis; with `appendfsync everysec`
power loss may take the last second, with `appendfsync always` nothing.

Keys, under one prefix: `queues`, `last_id`; of each queue `jobs` and `bodies` by local id, and for each state and
priority a set of local ids sorted by due time. A Redis out of memory takes no new jobs and serves those it has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Self, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from drivers.redis import answering, connect, prefix_of
from pinlater.backends import (
    NO_CAP,
    PAGE_BYTES,
    SERVER_GONE_MS,
    STATUS_CHARACTERS,
    Acked,
    AckOf,
    CheckpointOf,
    DequeuedJob,
    LostClaims,
    Outlook,
    ScannedJob,
    Span,
)
from pinlater.backends import redis_values as values
from pinlater.backends.redis_values import Value, member
from pinlater.backends.small_enqueues import SmallEnqueues
from pinlater.descriptors import Claim, JobDescriptor
from pinlater.errors import queue_not_found, queue_paused
from pinlater.scripts import bare_script, script
from thrift_idl.gen.pinlater.ttypes import PinLaterJob, PinLaterJobInfo

T = TypeVar("T")
_NAMES = (
    "ack", "checkpoint", "collect", "count", "delete", "dequeue", "enqueue", "lookup", "outlook", "release", "retry",
    "scan", "time_out",
)  # fmt: skip
_STATES = range(4)
_CHUNK = 500  # jobs in one script: while it runs, Redis serves no other client
_SMALL, _SMALL_BYTES = 50, 16 * 1024
_NO_QUEUE, _PAUSED = "NOQUEUE", "PAUSED"
_LISTEN_S = 1.0


class RedisBackend:
    """`Backend` over Redis. A long list of jobs is done in pieces, each of them atomic."""

    def __init__(self, redis: Redis, prefix: str, *, shard: str = "1", priorities: int = 3) -> None:
        self.shard = shard
        self._redis = redis
        self._prefix = prefix
        self._priorities = range(1, priorities + 1)
        texts = {name: script(name, STATUS_CHARACTERS, PAGE_BYTES) for name in _NAMES}
        self._scripts = {name: redis.register_script(text) for name, text in texts.items()}
        self._servers = redis.register_script(bare_script("servers"))
        self._small_enqueues = SmallEnqueues(self._store, _CHUNK)

    @classmethod
    async def open(cls, url: str, *, shard: str = "1", priorities: int = 3, ask: bool = True) -> Self:
        """The jobs in the Redis that `url` (`redis://host:port/db?prefix=name`) names.

        `ask` checks that it answers. Raises `BadConfiguration`, `BackendDown`.
        """
        redis = connect(url)
        try:
            with answering():
                if ask:
                    await redis.ping()
        except BaseException:
            await redis.aclose()
            raise
        return cls(redis, f"{prefix_of(url)}pinlater:", shard=shard, priorities=priorities)

    async def close(self) -> None:
        """Release the connections."""
        await self._redis.aclose()

    # --- queues ---

    async def create_queue(self, queue: str, now_ms: int) -> None:
        """A name among names."""
        with answering():
            await self._redis.sadd(self._key("queues"), queue)

    async def delete_queue(self, queue: str) -> None:
        """The name and all keys at once; Redis frees their memory in the background."""
        with answering():
            async with self._redis.pipeline(transaction=True) as both:
                both.srem(self._key("queues"), queue)
                both.srem(self._key("paused"), queue)
                both.unlink(*self._keys(queue)[3:])
                await both.execute()

    async def queue_names(self) -> frozenset[str]:
        """All of them."""
        with answering():
            names = await self._redis.smembers(self._key("queues"))
        return frozenset(name.decode() for name in names if isinstance(name, bytes))  # as the client was told

    async def pause(self, queue: str, paused: bool) -> None:
        """A name among the paused ones."""
        await self.outlook(queue)
        with answering():
            change = self._redis.sadd if paused else self._redis.srem
            await change(self._key("paused"), queue)

    async def outlook(self, queue: str) -> Outlook:
        """The first entry of each sorted set."""
        paused, first_due_ms = await self._run("outlook", queue, 0)
        return Outlook(bool(paused), None if first_due_ms < 0 else first_due_ms)

    async def arrivals(self) -> AsyncIterator[str]:
        """Published by the scripts; a server that isn't subscribed costs them nothing."""
        with answering():
            async with self._redis.pubsub() as channel:
                await channel.subscribe(f"{self._key('queues')}:arrivals")
                while True:
                    message = await channel.get_message(timeout=_LISTEN_S)
                    if message is not None:
                        yield message["data"].decode() if message["type"] == "message" else ""

    async def clock_ms(self) -> int:
        """The clock of Redis."""
        with answering():
            seconds, micros = await self._redis.time()
        return int(seconds) * 1_000 + int(micros) // 1_000

    async def live_servers(self, owner: str, now_ms: int) -> int:
        """By Redis's own clock."""
        with answering():
            return int(await self._servers(keys=[self._key("servers")], args=[owner, SERVER_GONE_MS]))

    # --- jobs ---

    async def enqueue(self, queue: str, jobs: Sequence[PinLaterJob], now_ms: int) -> tuple[str, ...]:
        """In pieces of 500; small concurrent ones in one script."""
        descriptors: list[str] = []
        for piece in _pieces(jobs):
            new = [values.new_job(job, now_ms) for job in piece]
            is_small = 0 < len(new) <= _SMALL and sum(len(job.body) for job in piece) <= _SMALL_BYTES
            last = await (self._small_enqueues.add(queue, new) if is_small else self._store(queue, new))
            named = enumerate(piece, last - len(piece) + 1)
            descriptors += [str(JobDescriptor(queue, self.shard, job.priority, local_id)) for local_id, job in named]
        return tuple(descriptors)

    async def _store(self, queue: str, new: Sequence[tuple[Value, ...]]) -> int:
        return int(await self._run("enqueue", queue, 0, *chain.from_iterable(new)))

    async def dequeue(
        self,
        queue: str,
        claim: Claim,
        priorities: Sequence[int],
        limit: int,
        now_ms: int,
        most_claimed: int = NO_CAP,
    ) -> list[DequeuedJob]:
        """One script, 500 jobs at most."""
        wanted: tuple[Value, ...] = (min(limit, _CHUNK), claim.descriptor, claim.source, most_claimed, *priorities)
        found = await self._run("dequeue", queue, now_ms, *wanted)
        return list(values.dequeued(found, queue, self.shard, claim.descriptor))

    async def peek(self, queue: str, priorities: Sequence[int], limit: int, now_ms: int) -> list[DequeuedJob]:
        """The same script, with nothing claimed."""
        found = await self._run("dequeue", queue, now_ms, min(limit, _CHUNK), "", "", NO_CAP, *priorities)
        return list(values.dequeued(found, queue, self.shard, None))

    async def ack(self, queue: str, succeeded: Sequence[AckOf], failed: Sequence[AckOf], now_ms: int) -> Acked:
        """In pieces of 500."""
        acks: list[tuple[Value, ...]] = [values.ack(each, True, now_ms) for each in succeeded]
        acks += [values.ack(each, False, now_ms) for each in failed]
        counts = [await self._run("ack", queue, now_ms, *chain.from_iterable(piece)) for piece in _pieces(acks)]
        return Acked(sum(count[0] for count in counts), sum(count[1] for count in counts))

    async def checkpoint(self, queue: str, source: str, requests: Sequence[CheckpointOf], now_ms: int) -> int:
        """In pieces of 500."""
        changes = [values.checkpoint(each, now_ms) for each in requests]
        return await self._sum("checkpoint", queue, now_ms, (source,), changes)

    async def lookup(self, queue: str, local_ids: Sequence[int], include_body: bool) -> Mapping[int, PinLaterJobInfo]:
        """In pieces of 500."""
        found: dict[int, PinLaterJobInfo] = {}
        for piece in _pieces(local_ids):
            answer = await self._run("lookup", queue, 0, int(include_body), *map(member, piece), gone=[])
            for local_id, packed, body in zip(piece, answer[::2], answer[1::2], strict=False):
                if packed is not None:
                    found[local_id] = values.info(local_id, packed, body, queue, self.shard)
        return found

    # --- many jobs of one state ---

    async def count(self, queue: str, span: Span) -> int:
        """By the sorted sets alone; only the due time of the position `before` counts."""
        due = (span.state, span.after_ms, span.before.due_ms)
        return int(await self._run("count", queue, 0, *due, *span.priorities))

    async def scan(self, queue: str, span: Span, limit: int) -> list[ScannedJob]:
        """One script, 500 jobs at most."""
        found = await self._run("scan", queue, 0, min(limit, _CHUNK), *values.span(span))
        return list(values.scanned(found, queue, self.shard))

    async def retry(self, queue: str, local_ids: Sequence[int], attempts: int, run_after_ms: int, now_ms: int) -> int:
        """In pieces of 500, guarded by the state FAILED."""
        return await self._sum("retry", queue, now_ms, (attempts, run_after_ms), list(map(member, local_ids)))

    async def delete(self, queue: str, local_ids: Sequence[int], state: int) -> int:
        """In pieces of 500, guarded by the state."""
        return await self._sum("delete", queue, 0, (state,), list(map(member, local_ids)))

    # --- for the monitor ---

    async def time_out(self, queue: str, before_ms: int, limit: int, now_ms: int) -> LostClaims:
        """One script."""
        return LostClaims(*await self._run("time_out", queue, now_ms, before_ms, limit))

    async def release(self, queue: str, source_prefix: str, now_ms: int) -> LostClaims:
        """One script, which looks at every claim of the queue."""
        return LostClaims(*await self._run("release", queue, now_ms, source_prefix))

    async def collect(self, queue: str, state: int, before_ms: int, limit: int) -> int:
        """One script."""
        return int(await self._run("collect", queue, 0, state, before_ms, limit))

    async def sweep(self, limit: int) -> int:
        """Do nothing: a dropped queue leaves no jobs."""
        return 0

    # --- parts ---

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _keys(self, queue: str) -> list[str]:
        """The KEYS of every script, in the order of prelude.lua."""
        own = [f"{queue}:jobs", f"{queue}:bodies"]
        own += [f"{queue}:{state}:{priority}" for state in _STATES for priority in self._priorities]
        return [self._key(name) for name in ("queues", "paused", "last_id", *own)]

    async def _run(self, name: str, queue: str, now_ms: int, *arguments: Value, gone: Any = None) -> Any:
        """A script's answer; `gone` if there is no such queue, or QUEUE_NOT_FOUND if that is None."""
        with answering():
            try:
                return await self._scripts[name](keys=self._keys(queue), args=(queue, now_ms, *arguments))
            except ResponseError as error:
                if _PAUSED in str(error):
                    raise queue_paused(queue) from None
                if _NO_QUEUE not in str(error):
                    raise
        if gone is None:
            raise queue_not_found(queue)
        return gone

    async def _sum(self, name: str, queue: str, now_ms: int, fixed: tuple[Value, ...], many: Sequence[Value]) -> int:
        return sum([await self._run(name, queue, now_ms, *fixed, *piece) for piece in _pieces(many)])


def _pieces(many: Sequence[T]) -> Iterator[Sequence[T]]:
    """At least one, perhaps empty: the queue's existence is checked in any case."""
    return (many[start : start + _CHUNK] for start in range(0, max(len(many), 1), _CHUNK))
