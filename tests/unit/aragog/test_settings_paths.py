"""Paths in settings are resolved once; whatever the data directory is called, URLs lead into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aragog.data_locations import left_behind, moving, place_of, refuse_if_left_behind
from aragog.settings import Settings, load
from thrift_idl.errors import BadConfiguration

NAMES = ["data", "my data", "100%", "a?b#c", "{x}", "%20", "Zoë", os.fsdecode(b"\xff")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    folder = (tmp_path / "here").resolve()
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def settings_of(**variables: str) -> Settings:
    return load({f"ARAGOG_{name.upper()}": value for name, value in variables.items()} | {"HOME": os.environ["HOME"]})


def test_a_relative_data_directory_is_resolved_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(data_dir="./data")
    monkeypatch.chdir("/")
    assert settings.data_dir == str(settings.data_path) == str(here / "data")
    assert place_of(settings.crawl.frontier, settings) == here / "data/frontier.sqlite"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("slashes", ["//", "///", "////"])
def test_a_url_leads_into_the_data_directory_whatever_its_name(here: Path, name: str, slashes: str) -> None:
    settings = settings_of(data_dir=str(here / name))
    assert place_of(f"file:{slashes}{{data_dir}}/events.jsonl", settings) == here / name / "events.jsonl"


@pytest.mark.parametrize("bad", ["", "file:///srv/data", "a\0b", "~nobody-of-this-name/x"])
def test_what_is_no_folder_is_no_data_directory(bad: str) -> None:
    with pytest.raises(BadConfiguration, match="data_dir"):
        settings_of(data_dir=bad)


@pytest.mark.parametrize("name", ["ratelimiter.overrides", "ratelimiter.membership", "pinlater.queues"])
def test_a_path_may_be_relative_and_is_no_url(here: Path, name: str) -> None:
    variable = name.replace(".", "_")
    assert settings_of(data_dir="d").path(name) is None
    assert settings_of(data_dir="d", **{variable: "x.toml"}).path(name) == here / "x.toml"
    assert settings_of(data_dir="d", **{variable: "{data_dir}/x.toml"}).path(name) == here / "d/x.toml"
    assert settings_of(data_dir="d", **{variable: "~/x.toml"}).path(name) == Path("~/x.toml").expanduser().resolve()
    with pytest.raises(BadConfiguration, match=name):
        settings_of(data_dir="d", **{variable: "file:///x.toml"}).path(name)


def test_data_of_an_earlier_version_are_found_from_the_current_folder_and_the_data_directory(here: Path) -> None:
    settings = settings_of(data_dir=str(here / "data"))
    place = here.parent / "new" / "events.jsonl"
    url = f"file://{place}"
    assert left_behind(url, settings) is None
    earlier = [here / "data" / str(place)[1:], here / str(place)[1:]]
    for path in earlier:
        path.parent.mkdir(parents=True)
        path.touch()
        assert left_behind(url, settings) == path
        with pytest.raises(BadConfiguration, match=f"mv -n {path} {place}"):
            refuse_if_left_behind(url, settings)
    place.parent.mkdir()
    place.touch()
    refuse_if_left_behind(url, settings)  # it isn't empty, but both are there:
    assert left_behind(url, settings) == earlier[-1]


def test_what_earlier_versions_wrote_at_the_same_place_is_not_left_behind(here: Path) -> None:
    settings = settings_of(data_dir=str(here))
    for url in ("file:///{data_dir}/events.jsonl", f"file:///{here}/events.jsonl"):
        (here / "events.jsonl").touch()
        assert left_behind(url, settings) is None
    assert left_behind("redis://127.0.0.1/0", settings) is left_behind("sqlite:///:memory:", settings) is None


def test_an_escape_that_earlier_versions_took_for_itself_is_found(here: Path) -> None:
    settings = settings_of(data_dir=str(here))
    (here / "my%20store").touch()
    assert left_behind("sqlite:///{data_dir}/my%20store", settings) == here / "my%20store"


def test_what_sqlite_keeps_beside_a_database_moves_with_it(here: Path) -> None:
    (here / "a b-wal").touch()
    told = moving(here / "a b", Path("/srv/x"))
    assert told == f"mkdir -p /srv && mv -n '{here}/a b' /srv/x && mv -n '{here}/a b-wal' /srv/x-wal"
