"""Settings and addresses of docker-compose.yml: our processes know the settings, and the addresses exist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import typer

import drivers.cassandra
import drivers.kafka
import drivers.redis
import drivers.s3
from aragog.assembly.backends import CONTENT, FRONTIER, HOLDS, JOBS, LEASES, LIMITER_STATE, METADATA, ROBOTS_CACHE, SINK
from aragog.cli import app
from aragog.settings import Settings, load
from ratelimiter.pool.membership import read_membership
from tests.support.composition import REPOSITORY, Service, our_services, services

OURS = our_services()
SERVED = ("fetcher", "ratelimiter", "urlstore", "pinlater")
SERVERS = [name for name, service in OURS.items() if service.kind in SERVED]
SHARDS = [name for name, service in OURS.items() if service.kind == "ratelimiter"]
#: What each process opens by itself; the rest it asks a service for.
OPENS: dict[str, dict[str, Mapping[str, Any]]] = {
    "ratelimiter": {"ratelimiter.holds": HOLDS},
    "urlstore": {"urlstore.metadata": METADATA, "urlstore.content": CONTENT},
    "fetcher": {"fetcher.robots_cache": ROBOTS_CACHE},
    "pinlater": {"pinlater.backend": JOBS},
    "worker": {"crawl.frontier": FRONTIER, "events.sink": SINK, "events.leases": LEASES},
    "aragog": {"crawl.frontier": FRONTIER},
}
CALLS = {
    "ratelimiter": (),
    "urlstore": (),
    "fetcher": ("ratelimiter",),
    "pinlater": (),
    "worker": SERVED,
    "aragog": SERVED,
}
READERS = {
    "redis": drivers.redis.connect,
    "cassandra": drivers.cassandra.parse_address,
    "s3": drivers.s3.parse_address,
    "kafka": drivers.kafka.parse_address,
}


def settings_of(service: Service, tmp_path: Path) -> Settings:
    """Its environment and an empty configuration file. Raises BadConfiguration for a variable that is no setting."""
    empty = tmp_path / "aragog.toml"
    empty.touch()
    return load(service.environment | {"ARAGOG_CONFIG": str(empty)})


def value(settings: Settings, name: str) -> str:
    section, _, key = name.partition(".")
    return str(getattr(getattr(settings, section), key))


def parse(words: list[str]) -> Any:
    """The context of the sub-command that `words` name. Raises a usage error if there is no such, or option."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("aragog", list(words), resilient_parsing=False)
    name, found, rest = command.resolve_command(context, list(words))
    return found.make_context(name, rest, parent=context)


@pytest.mark.parametrize("name", [name for name in OURS if name != "aragog"])
def test_its_command_is_one_of_ours(name: str) -> None:
    assert parse(OURS[name].command).info_name == OURS[name].command[0]


@pytest.mark.parametrize("words", [["serve", "everything"], ["serve", "fetcher", "--drain"], ["wrok"]])
def test_a_command_that_does_not_exist_would_be_seen(words: list[str]) -> None:
    with pytest.raises(Exception, match=r"No such|not one of|Invalid|No such command"):
        parse(words)


@pytest.mark.parametrize("name", [name for name, service in OURS.items() if service.health_command])
def test_its_health_check_is_a_command_of_ours(name: str) -> None:
    program, *words = OURS[name].health_command
    assert program == "aragog"
    assert parse(words).info_name == "ping"


@pytest.mark.parametrize("name", OURS)
def test_each_variable_is_a_setting(name: str, tmp_path: Path) -> None:
    settings, given = settings_of(OURS[name], tmp_path), OURS[name].environment
    for variable, text in given.items():
        section, _, key = variable.removeprefix("ARAGOG_").lower().partition("_")
        found = getattr(settings, f"{section}_{key}", None) or getattr(getattr(settings, section, None), key, None)
        assert str(found or "") == text, variable


@pytest.mark.parametrize("name", OURS)
def test_what_it_opens_is_a_backend_that_others_share(name: str, tmp_path: Path) -> None:
    settings = settings_of(OURS[name], tmp_path)
    for setting, table in OPENS[OURS[name].kind].items():
        url = value(settings, setting)
        scheme = url.partition("://")[0]
        assert scheme in table
        READERS[scheme](url)  # raises BadConfiguration


@pytest.mark.parametrize("name", SHARDS)
def test_the_slots_of_a_limiter_are_in_a_volume_that_no_other_service_has(name: str, tmp_path: Path) -> None:
    settings = settings_of(OURS[name], tmp_path)
    assert settings.ratelimiter.state.partition("://")[0] in LIMITER_STATE
    assert settings.expand(settings.ratelimiter.state).startswith("file:////data/")
    (volume,) = OURS[name].volumes
    assert sum(volume in service.volumes for service in OURS.values()) == 1


def test_the_membership_names_the_limiters_that_run_and_all_who_need_it_have_it(tmp_path: Path) -> None:
    membership = read_membership(REPOSITORY / "deploy/limiters/pool.toml")
    assert [shard.address for shard in membership.shards] == [f"{name}:9102" for name in SHARDS]
    mounted = "./deploy/limiters:/etc/aragog/limiters:ro"
    for shard, name in zip(membership.shards, SHARDS, strict=True):
        given = parse(OURS[name].command).params
        assert (given["shard"], given["membership"]) == (shard.name, "/etc/aragog/limiters/pool.toml")
    for name in (*SHARDS, *(name for name, service in OURS.items() if "ratelimiter" in CALLS[service.kind])):
        assert mounted in OURS[name].raw["volumes"], name


@pytest.mark.parametrize("name", OURS)
def test_what_it_opens_runs_beside_it_under_that_port_and_is_waited_for(name: str, tmp_path: Path) -> None:
    settings, known = settings_of(OURS[name], tmp_path), services()
    for setting in OPENS[OURS[name].kind]:
        place = urlsplit(value(settings, setting))
        engine = known[place.hostname or ""]
        assert place.port in engine.exposed, setting
        assert engine.networks & OURS[name].networks, f"{name} can't reach {engine.name}"
        assert engine.name in OURS[name].waits_for, f"{name} doesn't wait for {engine.name}"


@pytest.mark.parametrize("name", OURS)
def test_each_service_that_it_calls_listens_under_that_port_and_is_waited_for(name: str, tmp_path: Path) -> None:
    settings = settings_of(OURS[name], tmp_path)
    for called in SERVED:
        addresses = addresses_of(value(settings, f"{called}.service"))
        assert [OURS[host].kind for host, _ in addresses] == ([called] * len(addresses))
        assert bool(addresses) == (called in CALLS[OURS[name].kind])
        for host, port in addresses:
            assert value(settings_of(OURS[host], tmp_path), f"{called}.listen") == f"0.0.0.0:{port}"
            assert OURS[host].networks & OURS[name].networks
            assert host in OURS[name].waits_for


def addresses_of(service: str) -> list[tuple[str, str]]:
    """Host and port of each server behind a setting."""
    if service == "pool:///etc/aragog/limiters/pool.toml":
        membership = read_membership(REPOSITORY / "deploy/limiters/pool.toml")
        return [(shard.address.partition(":")[0], shard.address.partition(":")[2]) for shard in membership.shards]
    host, _, port = service.rpartition(":")
    return [(host, port)] if host else []


@pytest.mark.parametrize("name", SERVERS)
def test_a_service_listens_where_it_is_exposed_and_asked_for_its_health(name: str, tmp_path: Path) -> None:
    service = OURS[name]
    port = int(value(settings_of(service, tmp_path), f"{service.kind}.listen").rpartition(":")[2])
    assert service.exposed == {port}
    assert service.health_command[-1] == f"127.0.0.1:{port}"
    assert f"{port}:{port}" in "".join(service.raw.get("ports", [f"{port}:{port}"]))


def test_what_wants_a_redis_of_its_own_has_a_database_of_its_own(tmp_path: Path) -> None:
    urls = {
        value(settings_of(service, tmp_path), setting)
        for name, service in OURS.items()
        for setting in OPENS[service.kind]
        if name != "aragog"
    }
    redis = [urlsplit(url) for url in urls if url.startswith("redis://")]
    assert len({(url.hostname, url.path) for url in redis}) == len(redis) == 5


def test_acknowledged_jobs_and_frontier_are_in_the_redis_that_keeps_them(tmp_path: Path) -> None:
    for name, setting in (("pinlater", "pinlater.backend"), ("worker", "crawl.frontier"), ("aragog", "crawl.frontier")):
        assert urlsplit(value(settings_of(OURS[name], tmp_path), setting)).hostname == "redis-durable"


def test_workers_and_commands_see_one_frontier_and_one_set_of_services(tmp_path: Path) -> None:
    worker, command = (settings_of(OURS[name], tmp_path) for name in ("worker", "aragog"))
    assert worker.crawl == command.crawl
    assert [value(worker, f"{name}.service") for name in SERVED] == [
        value(command, f"{name}.service") for name in SERVED
    ]
    assert worker.pinlater.admin_password == command.pinlater.admin_password != ""


def test_claims_last_as_long_for_the_monitor_as_for_the_workers(tmp_path: Path) -> None:
    of = {name: settings_of(OURS[name], tmp_path).crawl.claim_timeout_ms for name in ("pinlater", "worker")}
    assert of["pinlater"] == of["worker"]


@pytest.mark.parametrize("name", [*SERVERS, "worker"])
def test_it_has_time_to_drain_before_it_is_killed(name: str, tmp_path: Path) -> None:
    service = OURS[name]
    if name == "worker":
        drain_ms = settings_of(service, tmp_path).crawl.drain_ms + drivers.kafka.ANSWER_MS
    else:
        drain_ms = parse(service.command).params["drain_ms"]
    assert service.stop_grace_s * 1000 >= drain_ms + 10_000


def test_secrets_are_with_those_who_need_them() -> None:
    holders = {
        secret: {name for name, service in OURS.items() if re.search(pattern, str(service.environment))}
        for secret, pattern in {"redis": "redis://:", "s3": "s3://", "admin": "ADMIN_PASSWORD"}.items()
    }
    assert holders == {
        "redis": {*SHARDS, "fetcher", "pinlater", "worker", "aragog"},
        "s3": {"urlstore"},
        "admin": {"worker", "aragog"},
    }


def test_the_test_knows_every_setting_that_names_a_service() -> None:
    sections = msgspec.to_builtins(Settings())
    assert {name for name, keys in sections.items() if isinstance(keys, dict) and "service" in keys} == set(SERVED)
