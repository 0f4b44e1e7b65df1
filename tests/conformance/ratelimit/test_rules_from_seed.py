"""`aragog_rules_from_seed`: each rule that speaks of one process, as a test of its words."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from ratelimiter.next_slot import MAX_WAIT_MS
from tests.conformance import vectors
from tests.support.contested_state import ContestedState
from tests.support.limiter_requests import START_MS, Clock, assert_spaced, limiter, reserve
from tests.support.limiter_shards import Pool, write_membership
from thrift_idl.gen.ratelimiter.protocol import RateLimiter

RULES = {
    rule["rule"]: rule for rule in json.loads(vectors("ratelimit/vectors.json").read_text())["aragog_rules_from_seed"]
}


def test_every_rule_has_its_test() -> None:
    assert set(RULES) == {"spacing", "idle", "override", "cas", "clock", "reshard"}


async def test_spacing() -> None:
    assert RULES["spacing"]["expect"].startswith("delays 0,100,200,...,1000 ms handed out")
    service = await limiter(Clock(), qps=10)
    grants = await asyncio.gather(*(reserve(service) for _ in range(40)))
    assert [grant.wait_ms for grant in grants if grant.granted] == [100 * n for n in range(11)]
    assert {grant.reason for grant in grants[11:]} == {"no_slot"}


async def test_idle() -> None:
    assert RULES["idle"]["expect"].startswith("delay 0 and last_scheduled = now")
    clock = Clock()
    service = await limiter(clock)
    await reserve(service)
    clock.advance(86_400_000)
    assert [(await reserve(service)).wait_ms for _ in range(3)] == [0, 100, 200]


async def test_override(tmp_path: Path) -> None:
    assert RULES["override"]["expect"] == "spacing 1000 ms after reload, without restart"
    clock, file = Clock(), tmp_path / "limits.toml"
    file.write_text("")
    service = await limiter(clock, overrides=file)
    assert [(await reserve(service)).wait_ms for _ in range(2)] == [0, 100]
    file.write_text('[domains."example.com"]\nqps = 1\n')
    clock.advance(5_000)
    assert [(await reserve(service)).wait_ms for _ in range(2)] == [0, 1_000]


async def test_cas() -> None:
    assert "strictly increasing, gap >= 1/qps" in RULES["cas"]["expect"]
    state = ContestedState(seed=4, losses=0.3, interval_ms=4, now_ms=START_MS)
    service = await limiter(Clock(), state, qps=250)
    grants = await asyncio.gather(*(reserve(service) for _ in range(1_000)))
    assert state.lost > 0
    assert any(grant.granted for grant in grants)
    assert_spaced(state.slots, 4)


async def test_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RULES["clock"]["expect"].startswith("no permanent block, no burst")
    clock, slots = Clock(), []
    service = await limiter(clock)
    for jump_s in (0, -3_600, 3_600):
        monkeypatch.setattr(time, "time", lambda jump_s=jump_s: 1.8e9 + jump_s)
        monkeypatch.setattr(time, "time_ns", lambda jump_s=jump_s: int((1.8e9 + jump_s) * 1e9))
        for _ in range(30):
            grant = await reserve(service)
            if grant.granted:
                slots.append(clock.now_ms + grant.wait_ms)
        clock.advance(MAX_WAIT_MS)
    assert len(slots) == 11 + 10 + 10
    assert_spaced(slots, 100)


async def test_reshard(tmp_path: Path) -> None:
    """The rule lets a domain that moves have twice its rate for one interval; ours only ever delay."""
    assert RULES["reshard"]["expect"].startswith("about 1/(N+1) keys move; moved key may at most double the rate")
    domains = [f"d{number}.com" for number in range(400)]
    pool = Pool(tmp_path / "pool.toml", Clock())
    write_membership(pool.path, 1, "abc")
    for name in "abc":
        await pool.start(name)
    client = await pool.client()
    pool.clock.advance(5_000)
    before = await _slots(pool, client, domains)
    owned = {domain: client.owner(domain) for domain in domains}
    write_membership(pool.path, 2, "abcd")
    await pool.start("d")
    await pool.look()
    after = [await _slots(pool, client, domains) for _ in range(40)]
    moved = [domain for domain in domains if client.owner(domain) != owned[domain]]
    assert 0.5 / 4 < len(moved) / len(domains) < 1.5 / 4
    for domain in domains:
        slots = [slots[domain] for slots in (before, *after) if domain in slots]
        assert_spaced(slots, 100)
        assert len(slots) > 20  # moved or not, it goes on


async def _slots(pool: Pool, client: RateLimiter, domains: list[str]) -> dict[str, float]:
    """One reservation of each domain, then 100 ms go by."""
    grants = {domain: await reserve(client, domain) for domain in domains}
    now = pool.clock.now_ms
    pool.clock.advance(100)
    await pool.look()
    return {domain: now + grant.wait_ms for domain, grant in grants.items() if grant.granted}
