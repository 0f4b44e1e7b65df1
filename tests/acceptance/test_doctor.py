"""`aragog doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from aragog.data_directory_lock import owned
from tests.support.processes import environment, run_aragog, service
from tests.support.stored_formats import ARCHIVES, unpacked


def examined(code: int, folder: Path | None = None, **settings: str) -> dict[str, dict[str, Any]]:
    done = run_aragog(environment(**settings), "doctor", "--json", folder=folder)
    assert done.returncode == code, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["healthy"] == (code == 0)
    return {each["check"]: each for each in said["findings"]}


def test_a_fresh_installation_is_healthy_and_doctor_makes_nothing(tmp_path: Path) -> None:
    found = examined(0, data_dir=str(tmp_path / "data"), fetcher_contact="mailto:a@example.org")
    assert {each["state"] for each in found.values()} == {"ok"}
    assert {"configuration", "data directory", "disk", "lock", "ledger", "crawl.frontier"} <= set(found)
    assert not (tmp_path / "data").exists()


def test_a_missing_contact_is_a_warning_that_says_what_to_do(tmp_path: Path) -> None:
    done = run_aragog(environment(data_dir=str(tmp_path)), "doctor")
    assert done.returncode == 0, done.stderr
    assert "WARNING  contact: none" in done.stdout
    assert "do: set fetcher.contact" in done.stdout


def test_it_says_who_finds_the_addresses_of_names(tmp_path: Path) -> None:
    asked = examined(0, data_dir=str(tmp_path), fetcher_dns="10.0.0.2,10.0.0.3:5353")["names"]
    assert asked["said"] == "DNS by 10.0.0.2:53, 10.0.0.3:5353: times to live are kept"
    system = examined(0, data_dir=str(tmp_path), fetcher_dns="system")["names"]
    assert system["said"] == "the system's getaddrinfo (set so): an answer is kept for a minute"


def test_an_unknown_setting_is_the_one_finding(tmp_path: Path) -> None:
    found = examined(1, data_dir=str(tmp_path), ratelimiter_qbs="5")
    assert list(found) == ["configuration"]
    assert "qbs" in found["configuration"]["said"]


def test_a_bad_limits_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text('[domains."a.com"]\nqps = 0\n')
    found = examined(1, data_dir=str(tmp_path), ratelimiter_overrides=str(file), ratelimiter_shadow_overrides=str(file))
    assert f"{file}: line 2: qps" in found["limits"]["said"]
    assert found["shadow limits"]["state"] == "failed"


def test_engines_and_services_that_dont_answer_are_told_by_their_settings(tmp_path: Path) -> None:
    found = examined(
        1,
        data_dir=str(tmp_path),
        crawl_frontier="redis://:secret@127.0.0.1:1/0",
        events_sink="kafka://127.0.0.1:1,127.0.0.1:2/topic",
        pinlater_service="127.0.0.1:1",
        pinlater_backend="redsi://127.0.0.1:1/0",
        urlstore_content="nonsense://127.0.0.1:1/0",
    )
    failed = {name for name, each in found.items() if each["state"] == "failed"}
    assert failed == {"crawl.frontier", "events.sink", "pinlater", "urlstore.content"}
    assert "secret" not in json.dumps(found)


def test_a_membership_file_is_read_and_its_shards_are_asked(tmp_path: Path) -> None:
    file = tmp_path / "membership.toml"
    with service(environment(data_dir=str(tmp_path / "a")), "ratelimiter") as address:
        file.write_text(f'version = 4\n[[shards]]\nname = "a"\naddress = "{address}"\n')
        found = examined(0, data_dir=str(tmp_path / "b"), ratelimiter_service=f"pool://{file}")
    assert "version 4" in found["membership"]["said"]
    assert found["shard a"]["state"] == "ok"
    found = examined(1, data_dir=str(tmp_path / "b"), ratelimiter_shard="b", ratelimiter_membership=str(file))
    assert "has no shard 'b'" in found["membership"]["said"]
    file.write_text("version = ")
    assert examined(1, data_dir=str(tmp_path), ratelimiter_service=f"pool://{file}")["membership"]["state"] == "failed"


async def test_the_owner_of_the_data_directory_is_named(tmp_path: Path) -> None:
    async with owned(tmp_path, 0, lambda _: None):
        assert f"process {os.getpid()}" in examined(0, data_dir=str(tmp_path))["lock"]["said"]
    assert examined(0, data_dir=str(tmp_path))["lock"]["said"] == "free"


def test_every_path_is_told_as_it_was_resolved(tmp_path: Path) -> None:
    for name in ("limits.toml", "queues.toml"):
        (tmp_path / name).touch()
    (tmp_path / "shards.toml").write_text('[shards.1]\nbackend = "sqlite:///{data_dir}/one.sqlite"\n')
    settings = {
        "data_dir": "./data",
        "fetcher_contact": "mailto:a@example.org",
        "ratelimiter_overrides": "limits.toml",
        "ratelimiter_holds": f"file://{tmp_path}/holds",
        "pinlater_queues": "{data_dir}/../queues.toml",
        "pinlater_shards": "./shards.toml",
        "events_sink": f"file:///{tmp_path}/events.jsonl",
        "urlstore_content": "file:///{data_dir}/content",
        "urlstore_metadata": "sqlite:///:memory:",
    }
    found = examined(0, tmp_path, **settings)
    assert found.pop("configuration")["path"].endswith("/aragog.toml")
    told = {check: each["path"].removeprefix(f"{tmp_path}/") for check, each in found.items() if each["path"]}
    assert told == {
        "data directory": "data",
        "limits": "limits.toml",
        "ledger": "data/ledger",
        "fetcher.robots_cache": "data/robots.sqlite",
        "ratelimiter.state": "data/limits",
        "ratelimiter.holds": "holds",
        "urlstore.content": "data/content",
        "pinlater.queues": "queues.toml",
        "pinlater.shards": "shards.toml",
        "pinlater.shards: 1": "data/one.sqlite",
        "crawl.frontier": "data/frontier.sqlite",
        "events.sink": "events.jsonl",
    }
    shown = run_aragog(environment(**settings), "doctor", folder=tmp_path).stdout
    assert all(f"{tmp_path / path}" in shown for path in told.values())


def test_what_an_earlier_version_wrote_elsewhere_is_named_and_nothing_starts_without_it(tmp_path: Path) -> None:
    here = tmp_path / "here"
    place = tmp_path / "srv" / "store.sqlite"
    earlier = here / str(place)[1:]
    earlier.parent.mkdir(parents=True)
    env = {"data_dir": str(tmp_path / "data"), "urlstore_metadata": f"sqlite://{place}"}
    written = run_aragog(environment(**env | {"urlstore_metadata": f"sqlite://{earlier}"}), "store", "export")
    assert written.returncode == 0 and earlier.exists(), written.stderr
    found = examined(1, here, **env)["urlstore.metadata of an earlier version"]
    assert (found["state"], found["path"]) == ("failed", str(earlier))
    refused = run_aragog(environment(**env), "store", "export", folder=here)
    assert refused.returncode == 2 and str(earlier) in refused.stderr and str(place) in refused.stderr
    assert not place.exists()
    os.system(found["remedy"])
    assert examined(0, here, **env)["urlstore.metadata"]["path"] == str(place)
    assert run_aragog(environment(**env), "store", "export", folder=here).returncode == 0


@pytest.mark.parametrize("bad", ["file://events.jsonl", "file:events.jsonl", "file:./events.jsonl", "events.jsonl", ""])
def test_a_relative_url_is_refused_with_the_right_spelling(tmp_path: Path, bad: str) -> None:
    env = environment(data_dir=str(tmp_path / "data"), events_sink=bad)
    done = run_aragog(env, "worker", folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "events.sink" in done.stderr and "file:///full/path" in done.stderr and "{data_dir}" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"data"}


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_data_directory_that_cant_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert examined(1, data_dir=str(tmp_path / "data"))["data directory"]["state"] == "failed"


@pytest.mark.parametrize("gone", ["", "frontier.sqlite"])
def test_keys_of_an_earlier_version_are_told_with_the_command_that_converts_them(tmp_path: Path, gone: str) -> None:
    data = unpacked(ARCHIVES[0], tmp_path / "data")
    if gone:
        (data / gone).unlink()
    settings = environment(data_dir=str(data), fetcher_contact="mailto:a@example.org")
    found = examined(1, data_dir=str(data), fetcher_contact="mailto:a@example.org")
    assert found["URL keys"]["state"] == "failed" and "version 1" in found["URL keys"]["said"]
    assert "aragog store rekey" in found["URL keys"]["remedy"]
    assert run_aragog(settings, "store", "rekey").returncode == 0
    assert "URL keys" not in examined(0, data_dir=str(data), fetcher_contact="mailto:a@example.org")
