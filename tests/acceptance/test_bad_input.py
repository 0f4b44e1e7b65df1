"""Mistakes of a newcomer: a clear error, the right exit code, and stored data stays."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import environment, run_aragog, sample_web
from tests.support.sample_web import export, reaching

URL = "http://garden.test/articles/tomatoes"
OTHER = "http://garden.test/articles/slugs"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with sample_web(tmp_path_factory.mktemp("web")) as served:
        yield served


@pytest.fixture
def stored(web: dict[str, Any], tmp_path: Path) -> dict[str, str]:
    """The environment of a data directory that holds one page."""
    env = reaching(web, tmp_path / "data")
    assert run_aragog(env, "fetch", URL).returncode == 0
    return env


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"FETCHER_COLOUR": "blue"}, "colour"),
        ({"NONSENSE": "1"}, "ARAGOG_NONSENSE"),
        ({"RATELIMITER_QPS": "fast"}, "ratelimiter.qps"),
        ({"RATELIMITER_QPS": "-1"}, "ratelimiter.qps"),
        ({"DURABILITY": "eternal"}, "durability"),
        ({"FETCHER_CONNECT_TO": "{"}, "ARAGOG_FETCHER_CONNECT_TO"),
        ({"FETCHER_ALLOW_PRIVATE": '["not a host!"]'}, "not a host!"),
        ({"URLSTORE_METADATA": "mysql://host/db"}, "urlstore.metadata"),
        ({"URLSTORE_CONTENT": "nowhere"}, "urlstore.content"),
        ({"FETCHER_SERVICE": "nowhere"}, "nowhere"),
        ({"CONFIG": "/nonexistent/aragog.toml"}, "/nonexistent/aragog.toml"),
    ],
)
def test_a_bad_setting_is_named_and_exits_with_2(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    done = run_aragog(environment(data_dir=str(tmp_path / "data"), **settings), "fetch", URL)
    assert done.returncode == 2, done.stderr
    assert named in done.stderr and "Traceback" not in done.stderr


def test_a_bad_key_of_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "aragog.toml"
    file.write_text("[fetcher]\nuseragent = 'x'\n")
    done = run_aragog(environment(config=str(file)), "config", "show")
    assert done.returncode == 2
    assert "useragent" in done.stderr and str(file) in done.stderr


def test_an_unparsable_url_is_answered_and_the_others_are_fetched(stored: dict[str, str]) -> None:
    done = run_aragog(stored, "fetch", "http://[broken", OTHER)
    assert done.returncode == 1
    assert "invalid_url" in done.stdout and "slugs" in done.stdout.lower()


def test_looking_up_an_unparsable_url_exits_with_2(stored: dict[str, str]) -> None:
    done = run_aragog(stored, "lookup", "http://[broken")
    assert done.returncode == 2
    assert "[broken" in done.stderr and "Traceback" not in done.stderr


def test_private_addresses_are_refused_unless_allowed_by_name(web: dict[str, Any], tmp_path: Path) -> None:
    env = reaching(web, tmp_path / "data") | {"ARAGOG_FETCHER_ALLOW_PRIVATE": '["shop.test"]'}
    done = run_aragog(env, "fetch", URL, "http://shop.test/")
    assert done.stdout.count("address_denied") == 1 and "127.0.0.1" in done.stdout


def test_nothing_beyond_loopback_is_fetched_without_a_contact(tmp_path: Path) -> None:
    # 192.0.2.0/24 is for documentation (RFC 5737): nothing is dialled here, with or without a contact.
    env = environment(
        data_dir=str(tmp_path / "data"),
        fetcher_connect_to='{"away.test": "192.0.2.1:80"}',
        fetcher_allow_private='["away.test"]',
    )
    done = run_aragog(env, "fetch", "http://away.test/")
    assert done.returncode == 2
    assert "contact" in done.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = environment(data_dir=str(tmp_path / "data"), urlstore_listen=f"127.0.0.1:{port}")
        done = run_aragog(env, "serve", "urlstore")
    assert done.returncode == 2
    assert str(port) in done.stderr and "Traceback" not in done.stderr


def test_an_engine_that_is_down_is_named(tmp_path: Path) -> None:
    settings = {"urlstore_metadata": "cassandra://127.0.0.1:1/aragog", "data_dir": str(tmp_path / "data")}
    done = run_aragog(environment(**settings), "lookup", URL)
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr and "Traceback" not in done.stderr


def test_a_service_that_is_down_is_named(tmp_path: Path) -> None:
    done = run_aragog(environment(data_dir=str(tmp_path / "data"), urlstore_service="127.0.0.1:1"), "lookup", URL)
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr


def test_a_store_of_a_newer_version_is_left_alone(stored: dict[str, str], tmp_path: Path) -> None:
    before = export(stored)
    database = sqlite3.connect(tmp_path / "data" / "urlstore.sqlite")
    with database:
        database.execute("UPDATE schema_version SET version = version + 1000")
    done = run_aragog(stored, "fetch", OTHER)
    assert done.returncode == 1
    assert "newer" in done.stderr and "Traceback" not in done.stderr
    with database:
        database.execute("UPDATE schema_version SET version = version - 1000")
    assert export(stored) == before


def test_an_unreadable_store_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "urlstore.sqlite").write_bytes(os.urandom(8192))
    done = run_aragog(environment(data_dir=str(data)), "lookup", URL)
    assert done.returncode == 1
    assert "urlstore.sqlite" in done.stderr and "Traceback" not in done.stderr


def test_a_full_disk_stops_with_a_clear_error_and_keeps_what_was_stored(
    web: dict[str, Any], small_disk: Path, tmp_path: Path
) -> None:
    env = reaching(web, small_disk / "data")
    assert run_aragog(env, "fetch", URL).returncode == 0
    before = export(env)
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 512)
    full = run_aragog(env, "fetch", OTHER)
    assert full.returncode == 1, full.stdout
    assert "Traceback" not in full.stderr and "room" in full.stderr
    filler.unlink()
    assert export(env) == before
    assert run_aragog(env, "fetch", OTHER).returncode == 0
