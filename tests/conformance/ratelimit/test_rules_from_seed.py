"""`aragog_rules_from_seed`: each rule that speaks of one process, as a test of its words."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from ratelimiter.rules import MAX_WAIT_MS
from tests.conformance import vectors
from tests.unit.ratelimiter.rivals import ContestedState
from tests.unit.ratelimiter.steps import START_MS, Clock, assert_spaced, limiter, reserve

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


def test_reshard() -> None:
    pytest.skip("one shard: the rule speaks of N -> N+1 nodes, which come with the pool")
