from __future__ import annotations

from pathlib import Path

import pytest

from ratelimiter.backends.holds_file import FileHolds
from ratelimiter.next_slot import MAX_WAIT_MS
from runtime.clock import precise_wall_ms
from tests.support.limiter_requests import CONTEXT, Clock, answer, block, reserve, status_of, wish
from tests.support.limiter_shards import SKEW_MS, Pool, write_membership
from thrift_idl.errors import BackendDown, BadConfiguration, NotOwner
from thrift_idl.gen.ratelimiter.ttypes import ReserveBatchRequest

SETTLED_MS = SKEW_MS + MAX_WAIT_MS + 100
DOMAINS = [f"d{number}.com" for number in range(300)]


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    write_membership(tmp_path / "pool.toml", 1, "ab")
    return Pool(tmp_path / "pool.toml", Clock())


async def settled(pool: Pool, names: str = "ab") -> None:
    for name in names:
        await pool.start(name)
    pool.clock.advance(SETTLED_MS)
    await pool.look()


async def owner(pool: Pool, domain: str) -> str:
    for name, service in pool.services.items():
        try:
            await status_of(service, domain)
        except NotOwner:
            continue
        return name
    raise AssertionError(f"{domain} has no owner")


async def test_each_domain_has_one_owner_and_the_others_say_so_with_the_version(pool: Pool) -> None:
    await settled(pool)
    owners = {domain: await owner(pool, domain) for domain in DOMAINS}
    assert set(owners.values()) == {"a", "b"}
    stranger = pool.services["b" if owners["d0.com"] == "a" else "a"]
    for call in (reserve(stranger, "d0.com"), answer(stranger, 429, domain="d0.com"), block(stranger, 5, "d0.com")):
        with pytest.raises(NotOwner) as error:
            await call
        assert error.value.details == {"version": "1"}


async def test_every_answer_carries_the_version(pool: Pool) -> None:
    await settled(pool)
    client = await pool.client()
    assert (await reserve(client)).version == 1
    assert (await status_of(client)).version == 1
    refused = [await reserve(client) for _ in range(12)][-1]
    assert (refused.granted, refused.version) == (False, 1)


async def test_a_shard_that_starts_grants_nothing_until_what_another_granted_is_over(pool: Pool) -> None:
    service = await pool.start("a")
    domain = await _owned(pool, "a")
    assert not (await reserve(service, domain)).granted
    pool.clock.advance(SKEW_MS)
    await pool.look()
    grant = await reserve(service, domain)
    assert (grant.granted, grant.reason) == (False, "no_slot")
    pool.clock.advance(MAX_WAIT_MS)
    await pool.look()
    assert (await reserve(service, domain)).wait_ms == 100


async def _owned(pool: Pool, name: str) -> str:
    for domain in DOMAINS:
        try:
            await status_of(pool.services[name], domain)
        except NotOwner:
            continue
        return domain
    raise AssertionError


async def test_a_shard_that_hasnt_looked_within_the_skew_looks_before_it_grants(pool: Pool) -> None:
    await settled(pool)
    domain = await _owned(pool, "a")
    write_membership(pool.path, 2, "b")
    pool.clock.advance(SKEW_MS + 1)
    with pytest.raises(NotOwner) as error:
        await reserve(pool.services["a"], domain)
    assert error.value.details == {"version": "2"}


async def test_a_shard_that_cant_see_the_membership_grants_nothing_after_the_skew(pool: Pool) -> None:
    await settled(pool)
    domain = await _owned(pool, "a")
    good = pool.path.read_text()
    pool.path.write_text("version = ")
    pool.clock.advance(SKEW_MS)
    assert (await reserve(pool.services["a"], domain)).granted
    pool.clock.advance(1)
    with pytest.raises(BackendDown, match="the owners of domains"):
        await reserve(pool.services["a"], domain)
    pool.path.write_text(good)
    assert (await reserve(pool.services["a"], domain)).granted


async def test_a_membership_that_changes_without_a_new_version_is_refused(pool: Pool) -> None:
    await settled(pool)
    write_membership(pool.path, 1, "abc")
    with pytest.raises(BadConfiguration, match="raise the version"):
        await pool.holds["a"].look()


async def test_a_domain_that_goes_and_comes_back_is_unknown(pool: Pool) -> None:
    await settled(pool)
    domain = await _owned(pool, "a")
    for version, names in ((2, "b"), (3, "ab")):
        write_membership(pool.path, version, names)
        await pool.look()
    assert await owner(pool, domain) == "a"
    assert not (await reserve(pool.services["a"], domain)).granted


async def test_what_stays_is_granted_all_the_time(pool: Pool) -> None:
    await settled(pool)
    write_membership(pool.path, 2, "abc")
    await pool.start("c")
    await pool.look()
    stayed = [d for d in DOMAINS if await owner(pool, d) != "c"]
    client = await pool.client()
    assert len(stayed) > len(DOMAINS) / 2
    assert all([(await reserve(client, domain)).granted for domain in stayed])


async def test_a_hold_goes_with_its_domain(pool: Pool, tmp_path: Path) -> None:
    pool.record = await FileHolds.open(tmp_path / "holds", precise_wall_ms)
    await settled(pool)
    domain = await _owned(pool, "a")
    await answer(pool.services["a"], 429, 600_000, domain=domain)
    write_membership(pool.path, 2, "b")
    await pool.look()
    pool.clock.advance(SETTLED_MS)
    await pool.look()
    assert (await reserve(pool.services["b"], domain)).reason == "held"
    assert 500_000 < (await status_of(pool.services["b"], domain)).held_ms <= 600_000


async def test_while_the_record_of_holds_cant_be_read_nothing_is_granted(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "holds").mkdir()
    pool.record = await FileHolds.open(tmp_path / "holds", precise_wall_ms)
    await settled(pool)
    client = await pool.client()
    with pytest.raises(BackendDown):
        await reserve(pool.services["a"], next(d for d in DOMAINS if client.owner(d).name == "a"))


async def test_a_batch_is_cut_by_owner_and_put_together_in_order(pool: Pool) -> None:
    await settled(pool)
    client = await pool.client()
    wishes = tuple(wish(DOMAINS[number % 50]) for number in range(150))
    grants = await client.reserve_batch(ReserveBatchRequest(CONTEXT, wishes))
    assert [round(grant.wait_ms) for grant in grants] == [100 * (number // 50) for number in range(150)]


async def test_a_client_that_is_behind_finds_the_new_owner(pool: Pool) -> None:
    await settled(pool)
    client = await pool.client()
    write_membership(pool.path, 2, "b")
    await pool.look()
    pool.clock.advance(SETTLED_MS)
    await pool.look()
    assert (await reserve(client, await _owned(pool, "b"))).granted
    domains = tuple(wish(domain) for domain in DOMAINS)
    grants = await client.reserve_batch(ReserveBatchRequest(CONTEXT, domains))
    assert {grant.version for grant in grants} == {2}
    assert not any(grant.not_owner for grant in grants)
    assert client.membership.version == 2


async def test_a_shard_that_is_down_is_told_as_such_and_spoils_no_batch(pool: Pool) -> None:
    await settled(pool, "a")
    pool.services["b"] = Dead()  # type: ignore[assignment]  # answers as a dead server's client does
    client = await pool.client()
    ours = await _owned(pool, "a")
    theirs = next(domain for domain in DOMAINS if client.owner(domain).name == "b")
    with pytest.raises(BackendDown):
        await reserve(client, theirs)
    grants = await client.reserve_batch(ReserveBatchRequest(CONTEXT, (wish(theirs), wish(ours))))
    assert [(grant.granted, grant.reason) for grant in grants] == [(False, "unavailable"), (True, "")]


class Dead:
    """A service whose server is gone."""

    async def reserve(self, _: object) -> None:
        raise BackendDown("refused")

    reserve_batch = reserve
