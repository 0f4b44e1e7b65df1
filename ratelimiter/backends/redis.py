"""State in a Redis (7 or later) that shards on several machines share: one key a domain, moved in one Lua script.

The Redis must be a durable one: `appendonly yes` and `maxmemory-policy noeviction`. Times in it are microseconds of its
own clock, the only one that all shards see; `timeline` converts. Nothing is granted for the longest wait (1 s) after

- this process has begun,
- the Redis was started again or replaced (it doesn't know our script any longer): it may have lost the last second,
- the distance of its clock and ours has jumped.

After that time no unknown slot can still lie ahead. So each of these delays requests, and none makes a burst.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from drivers.redis import answering, connect, prefix_of
from ratelimiter.backends.timeline import MeasuredTimeline, Timeline
from ratelimiter.next_slot import MAX_WAIT_MS, NEVER
from ratelimiter.state import Keys, Times
from runtime.batching import Batching
from runtime.durations import HOUR_MS
from thrift_idl.errors import BackendDown

EXPIRY_MS: Final = 25 * HOUR_MS
"""No interval is longer than a day: a slot that is older doesn't matter."""
_BATCH: Final = 256  # moves in one script: while it runs, Redis serves no other client
_STARTS: Final = 3
_SAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Move:
    """The expected and the new times of the keys; empty: they are only read."""

    keys: Keys
    expected: Times = ()
    wanted: Times = ()


@dataclass(frozen=True, slots=True)
class MoveResult:
    """The result of a move."""

    is_set: bool
    times: Times


@dataclass(slots=True)
class Ahead:
    """The time that a key will have when all moves under way have arrived."""

    time_ms: float
    users: int = 0
    chain: int = 0
    """Moves that depend on each other have one number; if one of them fails, so will those after it."""


class RedisState:
    """`StateBackend` over Redis. Used by one event loop.

    Callers of one domain follow each other without waiting for each other's answers: each uses the time in `_ahead`.
    A wrong guess costs a round trip.
    """

    def __init__(self, redis: Redis, prefix: str, now_ms: Callable[[], float], timeline: Timeline) -> None:
        self._redis = redis
        self._prefix = prefix
        self._now_ms = now_ms
        self._timeline = timeline
        self._script = files(__package__).joinpath("moves.lua").read_text() + f"-- {uuid.uuid4()}\n"
        """Unique to this process: the Redis that knows it is the one it was loaded into, and wasn't restarted since."""
        self._sha = ""
        self._floor_ms = NEVER
        self._ahead: dict[int, Ahead] = {}
        self._moves: Batching[Move, MoveResult] = Batching(self._send, _BATCH)

    @classmethod
    async def open(cls, url: str, now_ms: Callable[[], float], timeline: Timeline | None = None) -> RedisState:
        """The state in the Redis that `url` (`redis://host:port/db?prefix=name`) names.

        Raises `BadConfiguration`, `BackendDown`.
        """
        redis = connect(url)
        state = cls(redis, prefix_of(url) + "slot:", now_ms, timeline or MeasuredTimeline())
        try:
            with answering():
                await state._begin()
        except BaseException:
            await redis.aclose()
            raise
        return state

    async def get(self, keys: Keys) -> Times:
        """The keys' times after all moves under way have arrived. Raises `BackendDown`."""
        if all(key in self._ahead for key in keys):
            return self._overlaid(keys, (NEVER,) * len(keys))
        found = await self._moves(Move(keys))
        return self._overlaid(keys, found.times)

    async def compare_and_set(self, keys: Keys, expected: Times, wanted: Times) -> Times:
        """Set all or nothing; else returns the times that the next call should expect. Raises `BackendDown`."""
        chains = self._announce(keys, wanted)
        try:
            found = await self._moves(Move(keys, expected, wanted))
        except BaseException:
            self._retract(keys, chains, (NEVER,) * len(keys))  # later moves that depend on it will fail, too
            raise
        if found.is_set:
            self._retract(keys, chains)
            return expected
        self._retract(keys, chains, found.times)
        now = self._overlaid(keys, found.times)
        # Times that are as expected though nothing was set must not look as if they had been set.
        return now if now != expected else tuple([math.nextafter(time, math.inf) for time in now])

    async def close(self) -> None:
        """Wait for the moves under way, end the connections."""
        await self._moves.close()
        await self._redis.aclose()

    def _announce(self, keys: Keys, wanted: Times) -> tuple[int, ...]:
        chains = []
        for key, time_ms in zip(keys, wanted, strict=True):
            ahead = self._ahead.setdefault(key, Ahead(time_ms))
            ahead.time_ms = time_ms
            ahead.users += 1
            chains.append(ahead.chain)
        return tuple(chains)

    def _retract(self, keys: Keys, chains: tuple[int, ...], found: Times = ()) -> None:
        """A move has arrived; with `found` it failed, and the first one to learn that corrects the guess."""
        for number, key in enumerate(keys):
            ahead = self._ahead[key]
            ahead.users -= 1
            if found and ahead.chain == chains[number]:
                ahead.chain += 1
                ahead.time_ms = found[number]
            if not ahead.users:
                del self._ahead[key]

    def _overlaid(self, keys: Keys, times: Times) -> Times:
        return tuple(
            [self._ahead[key].time_ms if key in self._ahead else time for key, time in zip(keys, times, strict=True)]
        )

    async def _send(self, moves: Sequence[Move]) -> list[MoveResult]:
        """One round trip; more if Redis or the clocks must be measured again."""
        with answering():
            for _ in range(_STARTS):
                sent = self._now_ms()
                try:
                    answer = await self._call(moves, sent)
                except NoScriptError:
                    await self._begin()
                    continue
                if self._timeline.heard(sent, answer[0], self._now_ms()):
                    return self._read(moves, answer)
                await self._begin()
        raise BackendDown("the clock of the limiter's Redis jumps: nothing is granted meanwhile")

    async def _call(self, moves: Sequence[Move], now: float) -> list[int]:
        shared = self._timeline.shared_us
        bounds = [shared(self._floor_ms), shared(now + 2 * MAX_WAIT_MS), shared(now + MAX_WAIT_MS), EXPIRY_MS]
        keys = [f"{self._prefix}{key:016x}" for move in moves for key in move.keys]
        arguments: list[int | str] = []
        for move in moves:
            arguments.append(len(move.keys))
            if move.wanted and NEVER not in move.expected:
                for expected, wanted in zip(move.expected, move.wanted, strict=True):
                    arguments += (shared(expected), shared(wanted))
            else:
                arguments += ("", "") * len(move.keys)
        answer: list[int] = await self._redis.evalsha(self._sha, len(keys), *keys, *bounds, *arguments)
        return answer

    def _read(self, moves: Sequence[Move], answer: list[int]) -> list[MoveResult]:
        found, at = [], 1
        for move in moves:
            end = at + 1 + len(move.keys)
            found.append(MoveResult(bool(answer[at]), tuple(map(self._timeline.time_ms, answer[at + 1 : end]))))
            at = end
        return found

    async def _begin(self) -> None:
        """Load the script, measure the clocks' distance, and treat every domain as one that was just granted."""
        self._sha = await self._redis.script_load(self._script)
        samples = []
        for _ in range(_SAMPLES):
            sent = self._now_ms()
            seconds, micros = await self._redis.time()
            samples.append((sent, seconds * 1_000_000 + micros, self._now_ms()))
        self._timeline.begin(*min(samples, key=lambda sample: sample[2] - sample[0]))
        self._floor_ms = self._now_ms() + MAX_WAIT_MS
