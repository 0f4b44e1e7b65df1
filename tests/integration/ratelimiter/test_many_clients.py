"""One domain, one shard, many clients at once over Thrift; also over a state whose compare-and-set loses at random."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from ratelimiter import MemoryState, StateBackend
from ratelimiter.next_slot import MAX_WAIT_MS
from tests.support.contested_state import ContestedState
from tests.support.limiter_requests import START_MS, Clock, assert_spaced, limiter, reserve
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.rpc import Channel, RpcServer

CLIENTS, RESERVATIONS = 50, 1_000
QPS, INTERVAL_MS = 250.0, 4.0


@pytest.mark.parametrize("losses", [0.0, 0.3])
async def test_a_thousand_reservations_of_one_domain_at_once_by_fifty_clients_never_share_a_slot(losses: float) -> None:
    contested = ContestedState(7, losses, INTERVAL_MS, START_MS)
    state: StateBackend = contested if losses else MemoryState()
    async with AsyncExitStack() as stack:
        server = RpcServer(RateLimiter, await limiter(Clock(), state, qps=QPS))
        address = f"127.0.0.1:{await server.start('127.0.0.1', 0)}"
        stack.push_async_callback(server.close)
        clients = []
        for _ in range(CLIENTS):
            channel = Channel(address)
            stack.push_async_callback(channel.close)
            clients.append(channel.client(RateLimiter))
        grants = await asyncio.gather(*(reserve(clients[n % CLIENTS]) for n in range(RESERVATIONS)))
    slots = sorted(START_MS + grant.wait_ms for grant in grants if grant.granted)
    assert_spaced(slots, INTERVAL_MS)
    assert any(grant.wait_ms for grant in grants)
    assert any(not grant.granted for grant in grants)
    if losses:
        assert contested.lost > 0
        assert_spaced(contested.slots, INTERVAL_MS)
        assert set(slots) <= set(contested.slots)
    else:
        assert len(slots) == MAX_WAIT_MS / INTERVAL_MS + 1
