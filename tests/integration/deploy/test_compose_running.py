"""The commands, settings and health checks of docker-compose.yml, run natively: no container engine is needed.

Only addresses, ports and the data directory differ from the containers'.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deploy.engines.ports import free_port
from tests.support.composition import REPOSITORY, Service, services
from tests.support.processes import environment, run_aragog, start_aragog, stop

MOUNTED = Path("/etc/aragog/limiters/pool.toml")
REDIS = ("redis-durable", "redis-cache")


def _settings(service: Service, **instead: str) -> dict[str, str]:
    """The environment of the service, some settings replaced; what isn't replaced stays as in the file."""
    unknown = {f"ARAGOG_{key.upper()}" for key in instead} - set(service.environment) - {"ARAGOG_DATA_DIR"}
    assert not unknown, f"docker-compose.yml doesn't set {unknown}"
    given = {key.removeprefix("ARAGOG_").lower(): text for key, text in service.environment.items()}
    return environment(**(given | instead))


def _healthy(service: Service, env: Mapping[str, str], port: int) -> bool:
    """True if its own health check succeeds on the port that it has here."""
    program, *words = service.health_command
    assert program == "aragog"
    *words, address = words
    return run_aragog(env, *words, f"{address.rpartition(':')[0]}:{port}").returncode == 0


@contextmanager
def _started(service: Service, env: Mapping[str, str], membership: Path = MOUNTED) -> Iterator[subprocess.Popen[str]]:
    """Its command; at the end SIGTERM, and the exit code 0 within its grace period."""
    process = start_aragog(env, *(str(membership) if word == str(MOUNTED) else word for word in service.command))
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert " ready" in line, f"{service.name}: {line!r}, {process.poll()}"
        yield process
    finally:
        code = stop(process, signal.SIGTERM, service.stop_grace_s)
    assert code == 0, f"{service.name} ended with {code}"


@contextmanager
def _served(name: str, port: int = 0, membership: Path = MOUNTED, **instead: str) -> Iterator[str]:
    """A service on a free port, healthy by its own health check; its address."""
    service, port = services()[name], port or free_port()
    env = _settings(service, **{f"{service.kind}_listen": f"127.0.0.1:{port}"}, **instead)
    with _started(service, env, membership):
        assert _healthy(service, env, port)
        yield f"127.0.0.1:{port}"
    assert not _healthy(service, env, port)


@contextmanager
def _limiters(folder: Path, holds: str) -> Iterator[str]:
    """All shards of the limiter, as the file's membership but for their addresses; what their callers are told."""
    names = [name for name, service in services().items() if service.kind == "ratelimiter"]
    ports = {name: free_port() for name in names}
    text = (REPOSITORY / "deploy/limiters/pool.toml").read_text()
    for name, port in ports.items():
        text = text.replace(f"{name}:9102", f"127.0.0.1:{port}")
    membership = folder / "pool.toml"
    membership.write_text(text)
    with ExitStack() as stack:
        for name, port in ports.items():
            shard = _served(name, port, membership, data_dir=str(folder / name), ratelimiter_holds=holds)
            assert stack.enter_context(shard) in text
        yield f"pool://{membership}"


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    """A data directory that can't be made: whoever writes there in the distributed assembly fails."""
    (tmp_path / "file").touch()
    return str(tmp_path / "file" / "data")


@pytest.mark.redis
def test_the_limiters_become_healthy_drain_and_keep_their_state_in_their_volumes(
    tmp_path: Path, redis_durable_url: str
) -> None:
    with _limiters(tmp_path, redis_durable_url):
        pass
    assert all(list((tmp_path / f"ratelimiter-{letter}").iterdir()) for letter in "abc")


@pytest.mark.redis
@pytest.mark.cassandra
@pytest.mark.s3
@pytest.mark.kafka
def test_all_of_ours_run_over_real_engines_and_open_no_file_but_the_limiters(
    tmp_path: Path,
    nowhere: str,
    redis_durable_url: str,
    redis_cache_url: str,
    cassandra_url: str,
    s3_url: str,
    kafka_url: str,
    kafka_topic: str,
) -> None:
    jobs, frontier = f"{redis_durable_url}?prefix=jobs", f"{redis_durable_url}?prefix=frontier"
    robots, leases = f"{redis_cache_url}?prefix=robots", f"{redis_cache_url}?prefix=leases"
    known = services()
    with ExitStack() as stack:
        limiter = stack.enter_context(_limiters(tmp_path, f"{redis_durable_url}?prefix=holds"))
        urlstore = stack.enter_context(
            _served("urlstore", data_dir=nowhere, urlstore_metadata=cassandra_url, urlstore_content=s3_url)
        )
        fetcher = stack.enter_context(
            _served("fetcher", data_dir=nowhere, fetcher_robots_cache=robots, ratelimiter_service=limiter)
        )
        pinlater = stack.enter_context(_served("pinlater", data_dir=nowhere, pinlater_backend=jobs))
        shared = {
            "data_dir": nowhere,
            "ratelimiter_service": limiter,
            "urlstore_service": urlstore,
            "fetcher_service": fetcher,
            "pinlater_service": pinlater,
            "crawl_frontier": frontier,
        }
        sink = f"{kafka_url}/{kafka_topic}"
        worker_env = _settings(known["worker"], **shared, events_sink=sink, events_leases=leases)
        stack.enter_context(_started(known["worker"], worker_env))
        listed = run_aragog(_settings(known["aragog"], **shared), "crawl", "ls", "--json")
        assert (listed.returncode, listed.stderr) == (0, "")


@contextmanager
def _redis(service: Service, directory: Path, port: int, password: str) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is missing (Debian: redis-server)")
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--logfile", str(directory / "log")]
    process = subprocess.Popen([program, *service.command[1:], *place], cwd=directory)
    try:
        deadline = time.monotonic() + 20
        while not _pongs(service, port, password):
            assert process.poll() is None and time.monotonic() < deadline, (directory / "log").read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def _pongs(service: Service, port: int, password: str) -> bool:
    """Its own health check, of the port that it has here."""
    shell, option, line = service.health_command
    env = os.environ | {"REDISCLI_AUTH": password}
    command = line.replace("redis-cli", f"redis-cli -p {port}")
    return subprocess.run([shell, option, command], env=env, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", REDIS)
def test_a_redis_starts_with_its_options_and_is_healthy_for_who_knows_the_password(name: str, tmp_path: Path) -> None:
    service, port = services({"REDIS_PASSWORD": "s-3cret"})[name], free_port()
    assert service.environment == {"REDISCLI_AUTH": "s-3cret"}
    with _redis(service, tmp_path, port, "s-3cret"):
        assert not _pongs(service, port, "wrong")
    assert not _pongs(service, port, "s-3cret")


@pytest.mark.parametrize(("name", "survives"), [("redis-durable", True), ("redis-cache", False)])
def test_what_a_redis_acknowledged_survives_a_kill_only_where_it_must(
    name: str, survives: bool, tmp_path: Path
) -> None:
    from redis import Redis

    service, port = services({"REDIS_PASSWORD": "s-3cret"})[name], free_port()
    with _redis(service, tmp_path, port, "s-3cret"), Redis(port=port, password="s-3cret") as client:
        client.set("job", "acknowledged")
    with _redis(service, tmp_path, port, "s-3cret"), Redis(port=port, password="s-3cret") as client:
        assert client.exists("job") == survives
