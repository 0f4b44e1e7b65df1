"""`aragog limits`, and limits that change under a running limiter."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.ledger_records import entry, write_file
from tests.support.processes import environment, run_aragog, service
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.gen.ratelimiter.ttypes import DomainStatus, StatusRequest
from thrift_idl.rpc import Channel

YAML = """\
domains:
  example.org:
    qps: 5
    note: asked by mail
hosts:
  img.example.org: {qps: 1}
  fast.example.org: {qps: 20}
wildcards:
  "*.example.net": {blocked: true, expires: 2020-01-01}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "limits.yaml"
    path.write_text(YAML)
    return path


@pytest.fixture
def env(tmp_path: Path, file: Path) -> dict[str, str]:
    return environment(data_dir=str(tmp_path / "data"), ratelimiter_overrides=str(file))


def test_check_counts_a_good_file_and_names_what_has_no_effect(env: dict[str, str], file: Path) -> None:
    done = run_aragog(env, "limits", "check", str(file))
    assert done.returncode == 0, done.stderr
    assert "is good: 1 domains, 2 hosts, 1 wildcards, 1 blocked" in done.stdout
    assert 'expired: wildcards."*.example.net"' in done.stdout
    assert 'without effect: hosts."fast.example.org"' in done.stdout


def test_check_names_line_and_reason_of_a_bad_file(env: dict[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[domains."www.example.org"]\nqps = 1\n')
    done = run_aragog(env, "limits", "check", str(bad))
    assert done.returncode == 2
    assert f'{bad}: line 1: "www.example.org" is no registrable domain; did you mean "example.org"?' in done.stderr


def test_show_says_which_line_won_and_why(env: dict[str, str], file: Path) -> None:
    done = run_aragog(env, "limits", "show", "--json", "http://img.example.org/a.png")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    won = {rule["budget"]: (rule["limit"], rule["line"]) for rule in said["rules"] if rule["won"]}
    assert won == {"domain": ('domains."example.org"', 2), "host": ('hosts."img.example.org"', 6)}
    assert said["rules"][0]["note"] == "asked by mail"
    people = run_aragog(env, "limits", "show", "other.com").stdout
    assert "default (the setting ratelimiter.qps): 10 a second; no override matches" in people


def test_shadow_replays_the_ledger_by_a_candidate(env: dict[str, str], tmp_path: Path) -> None:
    write_file(tmp_path / "data/ledger/00000001.ledger", [entry(100.0 * n, "example.org") for n in range(20)])
    candidate = tmp_path / "candidate.toml"
    candidate.write_text('[domains."example.org"]\nqps = 2\n')
    done = run_aragog(env, "limits", "shadow", "--json", str(candidate))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["live"] == {"at_once": 20, "delayed": 0, "refused": 0}
    assert said["candidate"]["refused"] > 10
    assert list(said["slower"]) == ["example.org"]


async def _status(client: RateLimiter, domain: str) -> DomainStatus:
    return await client.status(StatusRequest(Context("test"), domain))


async def test_a_running_limiter_takes_a_good_change_and_keeps_the_last_good_file_of_a_bad_one(
    env: dict[str, str], file: Path
) -> None:
    with service(env, "ratelimiter") as address:
        channel = Channel(address)
        client = channel.client(RateLimiter)
        assert (await _status(client, "example.org")).interval_ms == 200
        file.write_text(YAML.replace("qps: 5", "qps: 4"))
        while (await _status(client, "example.org")).interval_ms == 200:
            await asyncio.sleep(0.05)
        assert (await _status(client, "example.org")).interval_ms == 250
        file.write_text(YAML.replace("qps: 5", "qps: 5000"))
        while not (await _status(client, "example.org")).limits_error:
            await asyncio.sleep(0.05)
        status = await _status(client, "example.org")
        assert status.interval_ms == 250
        assert "line 3: qps" in status.limits_error
        served = env | {"ARAGOG_RATELIMITER_SERVICE": address}
        done = await asyncio.to_thread(run_aragog, served, "doctor", "--json")
        await channel.close()
    assert done.returncode == 1
    found = {each["check"]: each for each in json.loads(done.stdout)["findings"]}
    assert found["limits"]["state"] == found["limits in force"]["state"] == "failed"
    assert "line 3: qps" in found["limits in force"]["said"]


def test_a_limiter_with_a_bad_file_doesnt_start(env: dict[str, str], file: Path) -> None:
    file.write_text("domains: [")
    done = run_aragog(env, "serve", "ratelimiter", timeout=30)
    assert done.returncode == 2
    assert f"{file}: line 1" in done.stderr
