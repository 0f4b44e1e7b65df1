"""docker-compose.yml holds to the specification, and to the rules of this house."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema  # type: ignore[import-untyped]  # has no types
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs aren't installed

from tests.support.composition import FILE, REPOSITORY, engines, our_services, services, tree, variables

SCHEMA = Draft202012Validator(get_builtin_schema("vendor.compose-spec"))
#: What is known to be inside each image, by its documentation.
PROGRAMS = {
    "redis": {"sh", "redis-cli", "redis-server"},
    "cassandra": {"cqlsh"},
    "chrislusf/seaweedfs": {"wget", "weed"},
    "apache/kafka": {"/opt/kafka/bin/kafka-broker-api-versions.sh"},
    "aragog": {"aragog"},
}
#: Of deploy/engines/kafka.properties: addresses, and what makes a broker of tests quick and small.
NOT_OF_KAFKA_HERE = {
    "controller.quorum.voters",
    "listeners",
    "advertised.listeners",
    "log.dirs",
    "num.io.threads",
    "num.network.threads",
    "broker.session.timeout.ms",
    "broker.heartbeat.interval.ms",
    "offsets.topic.num.partitions",
    "transaction.state.log.num.partitions",
    "group.initial.rebalance.delay.ms",
    "log.cleaner.dedupe.buffer.size",
}


def test_it_holds_to_the_compose_specification() -> None:
    assert [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in SCHEMA.iter_errors(tree())] == []


def _misspelt(file: Any) -> None:
    file["services"]["worker"]["stop_grace_perod"] = "40s"


def _wrong_type(file: Any) -> None:
    file["services"]["worker"]["deploy"]["replicas"] = ["three"]


def _unknown_condition(file: Any) -> None:
    file["services"]["worker"]["depends_on"]["kafka"]["condition"] = "service_happy"


def _volume_of_a_number(file: Any) -> None:
    file["volumes"] = 3


@pytest.mark.parametrize("break_it", [_misspelt, _wrong_type, _unknown_condition, _volume_of_a_number])
def test_the_schema_sees_a_mistake(break_it: Callable[[Any], None]) -> None:
    file = copy.deepcopy(tree())
    break_it(file)
    assert not SCHEMA.is_valid(file)


def test_everything_of_the_distributed_assembly_is_there() -> None:
    assert set(engines()) == {"redis-durable", "redis-cache", "cassandra", "s3", "kafka"}
    kinds = Counter(service.kind for service in our_services().values())
    assert kinds == {"ratelimiter": 3, "urlstore": 1, "fetcher": 1, "pinlater": 1, "worker": 1, "aragog": 1}
    assert services()["worker"].raw["deploy"]["replicas"] == 3


@pytest.mark.parametrize("name", services())
def test_each_image_has_a_version(name: str) -> None:
    _, tag = services()[name].image
    assert re.match(r"\d+\.\d+", tag), f"{name}: {tag!r}"


def test_our_image_has_the_version_of_the_package() -> None:
    version = re.search(r'^version = "(.+)"', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert version and {service.image[1] for service in our_services().values()} == {version[1]}


@pytest.mark.parametrize("engine", ["cassandra", "kafka"])
def test_an_engine_has_the_version_that_the_tests_start(engine: str) -> None:
    pom = (REPOSITORY / "deploy" / "engines" / f"{engine}.pom.xml").read_text()
    assert f"<version>{services()[engine].image[1]}</version>" in pom


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in services().values() for port in service.raw.get("ports", ())]
    assert published and all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)


@pytest.mark.parametrize("name", services())
def test_a_published_port_is_an_exposed_one_on_a_network_that_has_a_way_in(name: str) -> None:
    service = services()[name]
    for port in service.raw.get("ports", ()):
        assert int(port.rpartition(":")[2]) in service.exposed
        assert "outside" in service.networks


def test_only_the_fetcher_and_what_is_published_leave_the_internal_networks() -> None:
    networks = tree()["networks"]
    internal = {name for name, network in networks.items() if (network or {}).get("internal")}
    outside = {name for name, service in services().items() if not service.networks <= internal}
    assert outside == {"fetcher"} | {name for name, service in services().items() if service.raw.get("ports")}
    assert all(service.networks <= {"engines"} for service in engines().values())


@pytest.mark.parametrize("name", services())
def test_each_service_uses_declared_networks_and_volumes_only(name: str) -> None:
    file, service = tree(), services()[name]
    assert service.networks <= set(file["networks"]) and service.networks
    assert set(service.volumes) <= set(file["volumes"])
    mounts = [mount for mount in service.raw.get("volumes", ()) if mount.startswith("./")]
    assert all((REPOSITORY / mount.partition(":")[0]).is_dir() and mount.endswith(":ro") for mount in mounts)


def test_each_volume_is_used_by_one_service() -> None:
    used = [volume for service in services().values() for volume in service.volumes]
    assert sorted(used) == sorted(tree()["volumes"])


@pytest.mark.parametrize("name", services())
def test_each_service_waits_for_healthy_ones_that_exist(name: str) -> None:
    known = services()
    for other, condition in known[name].waits_for.items():
        assert condition == "service_healthy"
        assert known[other].health_command, f"{name} waits for {other}, which has no health check"


def test_each_service_is_restarted_but_for_commands() -> None:
    policies = {name: service.raw["restart"] for name, service in services().items()}
    assert policies.pop("aragog") == "no"
    assert set(policies.values()) == {"unless-stopped"}


@pytest.mark.parametrize("name", services())
def test_a_health_check_runs_a_program_of_its_image(name: str) -> None:
    service = services()[name]
    command = service.health_command
    if name in ("worker", "aragog"):
        assert command == []
    else:
        assert command[0] in PROGRAMS[service.image[0]]
        assert command[0] != "sh" or command[2].split()[0] in PROGRAMS[service.image[0]]


@pytest.mark.parametrize("name", [name for name, service in services().items() if service.health_command])
def test_a_health_check_asks_the_port_that_the_service_exposes(name: str) -> None:
    service = services()[name]
    named = {int(port) for port in re.findall(r":(\d+)\b", " ".join(service.health_command))}
    assert named <= service.exposed
    assert named or service.image[0] in ("redis", "cassandra")  # their clients know their own default port


def test_each_variable_has_a_default_and_secrets_look_like_defaults() -> None:
    found = variables(FILE.read_text())
    assert None not in found.values(), "compose would fill in nothing, and say so on every command"
    secrets = {name: value for name, value in found.items() if re.search("PASSWORD|SECRET", name)}
    assert set(secrets.values()) == {"development-only"}
    assert found["PINLATER_ADMIN_HASH"] == hashlib.sha256(b"development-only").hexdigest()


def test_a_secret_of_the_environment_replaces_its_default_everywhere() -> None:
    given = {"REDIS_PASSWORD": "r-1", "S3_SECRET": "s-1", "PINLATER_ADMIN_PASSWORD": "p-1", "PINLATER_ADMIN_HASH": "h"}
    assert "development-only" not in json.dumps(tree(given)["services"])


def test_our_containers_have_no_rights_to_spare() -> None:
    for service in our_services().values():
        assert service.raw["read_only"] and service.raw["init"] and service.raw["cap_drop"] == ["ALL"]
        assert service.raw["security_opt"] == ["no-new-privileges:true"]
        assert not service.raw.get("privileged") and not service.raw.get("network_mode")


def _redis_options(words: list[str]) -> dict[str, str]:
    return {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}


@pytest.mark.parametrize("name", ["redis-durable", "redis-cache"])
def test_a_redis_keeps_and_forgets_as_the_one_of_the_tests(name: str) -> None:
    lines = (REPOSITORY / "deploy" / "engines" / f"{name}.conf").read_text().splitlines()
    tested = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    options = _redis_options(services()[name].command[1:])
    for key in {"appendonly", "appendfsync", "save", "maxmemory-policy"} & set(tested):
        assert options[key] == tested[key].strip('"'), key


def test_kafka_is_configured_as_the_one_of_the_tests() -> None:
    lines = (REPOSITORY / "deploy" / "engines" / "kafka.properties").read_text().splitlines()
    tested = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    given = services()["kafka"].environment
    here = {key: given.get("KAFKA_" + key.replace(".", "_").upper()) for key in tested.keys() - NOT_OF_KAFKA_HERE}
    assert here == {key: tested[key] for key in here}


def test_no_schema_of_others_is_kept_in_the_repository() -> None:
    assert not list(REPOSITORY.rglob("deploy/**/*compose*.json"))
