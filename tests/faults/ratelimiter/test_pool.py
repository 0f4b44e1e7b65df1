"""Three limiter processes, four fetching ones, and everything that goes wrong with them; the origin is the judge."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import defaultdict
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from tests.faults.ratelimiter.arrivals import Span, calm, longest_silence, share, windows_above
from tests.faults.ratelimiter.demand import Demand
from tests.faults.ratelimiter.ledgers import agree
from tests.faults.ratelimiter.troubles import SETTLED_S, SHARD_STOP_S, Troubles
from tests.support.many_hosts import Log, many_hosts
from tests.support.pool_processes import Pool, Process
from thrift_idl.gen.fetcher.protocol import Fetcher
from thrift_idl.rpc import Channel

DOMAINS = [f"d{number}.test" for number in range(8)]
HASTY, SLOW = DOMAINS[0], DOMAINS[1]
BEFORE = {HASTY: 10.0, SLOW: 5.0}
AFTER = {HASTY: 5.0, SLOW: 10.0}
SEED = 6
CALM_S = 2.5
APPLIED_S = 2.3
"""A changed limit is looked at within a second, and slots are granted at most another one ahead."""
ROUNDS = int(os.environ.get("ARAGOG_POOL_ROUNDS", "50"))


pytestmark = pytest.mark.alone("eight processes under load, whose requests are measured by the origin's clock")


def overrides(qps: dict[str, float]) -> str:
    return "".join(f'[domains."{domain}"]\nqps = {value}\n' for domain, value in qps.items())


async def a_round(folder: Path, seed: int) -> bool:
    """Make trouble, then look at what the origin saw. False: it was asked for too little for that to mean anything."""
    rng, limits = random.Random(seed), folder / "limits.toml"
    folder.mkdir(parents=True, exist_ok=True)
    limits.write_text(overrides(BEFORE))
    with ExitStack() as ending:
        web = ending.enter_context(many_hosts(folder / "web"))
        pool = Pool(folder, web.settings(folder, ratelimiter_overrides=str(limits)))
        ending.callback(pool.end)
        env = web.settings(folder, ratelimiter_service=f"pool://{pool.file}")
        fetchers = [Process(f"f{number}", env, folder / f"fetcher-{number}", "fetcher") for number in range(4)]
        for fetcher in fetchers:
            ending.callback(fetcher.end)
        await start(pool, fetchers)
        troubles = Troubles(pool, fetchers, limits, rng)
        troubles.after = overrides(AFTER)
        whole, demand = await under_load(fetchers, troubles)
        log = await asyncio.to_thread(web.log)
    shares = judge(log, whole, troubles)
    ledgers = [folder / f"shard-{name}" / "ledger" for name in pool.shards]
    print(f"ledger and access log: {await asyncio.to_thread(agree, folder, ledgers, log)}")
    print(f"seed {seed}: {dict(demand.counts)}")
    return min(shares.values()) >= 0.9 and demand.counts["delayed"] > 0 and demand.counts["no_slot"] > 0


async def start(pool: Pool, fetchers: list[Process]) -> None:
    for name in "abc":
        pool.add(name)
    pool.name("abc")
    starting = [asyncio.to_thread(shard.start, "ratelimiter") for shard in pool.shards.values()]
    await asyncio.gather(*starting, *(asyncio.to_thread(fetcher.start, "fetcher") for fetcher in fetchers))


async def under_load(fetchers: list[Process], troubles: Troubles) -> tuple[Span, Demand]:
    async with AsyncExitStack() as closing:
        channels = [Channel(fetcher.address) for fetcher in fetchers]
        for channel in channels:
            closing.push_async_callback(channel.close)
        demand = Demand([channel.client(Fetcher) for channel in channels], DOMAINS)
        closing.push_async_callback(demand.end)
        await asyncio.sleep(SETTLED_S + CALM_S)
        began = time.time() - CALM_S
        await troubles.happen(CALM_S)
        return Span(began, time.time()), demand


def judge(log: Log, whole: Span, troubles: Troubles) -> dict[str, float]:
    """The share of its limit that each domain got in peace. None got too much, and none nothing."""
    changed = troubles.limits_changed
    arrivals = defaultdict(list)
    for when, host, _ in log.requests:
        arrivals[host.removeprefix("www.")].append(when)
    peace = calm(whole, troubles.outages)
    print(f"origin's clock is right to {log.lag_s:.3f} s; {sum(span.seconds for span in peace):.1f} s of peace")
    return {
        domain: judge_domain(domain, sorted(arrivals[domain]), log.lag_s, whole, peace, changed) for domain in DOMAINS
    }


def judge_domain(
    domain: str, times: list[float], lag_s: float, whole: Span, peace: list[Span], changed: float
) -> float:
    """The share of its limit in peace, 0 if it was silent for long; never too much, never nothing."""
    before, after = BEFORE.get(domain, 10.0), AFTER.get(domain, 10.0)

    def qps(when: float) -> float:
        if changed <= when <= changed + APPLIED_S:
            return max(before, after)
        return before if when < changed else after

    assert windows_above(times, qps, lag_s) == [], domain
    got, silence = share(times, peace, qps), longest_silence(times, whole)
    each = [f"{share(times, [span], qps):.0%}" for span in peace]
    print(
        f"{domain}: {len(times)} requests, {got:.1%} of its limit in peace {each}, silent for {silence:.1f} s at most"
    )
    assert times, domain
    return got if silence <= SHARD_STOP_S + SETTLED_S + 3 else 0.0


@pytest.mark.timeout(300)
async def test_no_second_is_too_full_whatever_becomes_of_shards_and_fetchers(tmp_path: Path) -> None:
    """The share of each domain depends on the machine, too: `make torture` counts the rounds that had enough."""
    await a_round(tmp_path, SEED)


@pytest.mark.torture
@pytest.mark.timeout(150 * ROUNDS)
async def test_fifty_rounds_of_trouble_never_fill_a_second_too_much(tmp_path: Path) -> None:
    counted = [await a_round(tmp_path / str(seed), seed) for seed in range(ROUNDS)]
    print(f"{sum(counted)} of {ROUNDS} rounds count")
    assert sum(counted) >= 0.9 * ROUNDS
