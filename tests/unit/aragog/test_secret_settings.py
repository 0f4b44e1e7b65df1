"""One table says which settings are secret, and whatever shows settings or connection URLs leaves that out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from msgspec import structs

from aragog.assembly import backends
from aragog.settings import SECRETS, Section, Settings, hidden
from drivers.connection_url import SECRET_NAME, parts_of, shown
from pinlater.settings import ServiceSettings as PinLaterSettings
from thrift_idl.errors import BadConfiguration

MARKER = "m4rk3r"


def settings() -> Iterator[tuple[str, object]]:
    """(name, default) of every setting of a section."""
    for section, values in msgspec.to_builtins(Settings()).items():
        if isinstance(values, dict):
            yield from ((f"{section}.{key}", default) for key, default in values.items())


def test_the_table_names_settings_that_there_are() -> None:
    assert set(SECRETS) <= {name for name, _ in settings()}


def test_a_setting_that_is_called_a_secret_or_is_a_url_is_in_the_table() -> None:
    for name, default in settings():
        is_url = isinstance(default, str) and "://" in default
        if is_url or SECRET_NAME.search(name.partition(".")[2]):
            assert name in SECRETS, f"{name}: say in aragog/settings.py what of it is secret"


@pytest.mark.parametrize("name", SECRETS)
def test_what_is_secret_is_in_no_rendering_of_the_settings(name: str) -> None:
    section, _, key = name.partition(".")
    value = MARKER if SECRETS[name] == "whole" else f"redis://user:{MARKER}@127.0.0.1:6379/0"
    planted = structs.replace(getattr(Settings(), section), **{key: value})
    whole = structs.replace(Settings(), **{section: planted})
    assert MARKER in getattr(planted, key)
    rich = str(planted.__rich_repr__())
    shows = (repr(planted), str(whole), repr(whole), rich, str(hidden(msgspec.to_builtins(whole))))
    assert [each for each in shows if MARKER in each] == []
    assert all("***" in each for each in shows)


def test_every_section_hides() -> None:
    kinds = [kind for name, kind in get_type_hints(Settings).items() if name not in ("data_dir", "durability")]
    assert kinds and all(issubclass(kind, Section) for kind in kinds)
    assert MARKER not in repr(PinLaterSettings(admin_hash=MARKER))


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        (f"redis://{MARKER}@host:1/0", "redis://***@host:1/0"),
        (f"redis://:{MARKER}@host:1/0?prefix=a", "redis://***@host:1/0?prefix=a"),
        (f"redis://a:{MARKER}/b@c#?@host:1/0", "redis://***@host:1/0"),
        (f"redis:///{MARKER}@host", "redis://***@host"),
        (f"cassandra://a:{MARKER}@h:1,[::1]:2/k", "cassandra://***@h:1,[::1]:2/k"),
        (f"redis://host/0?password={MARKER}&prefix=a", "redis://host/0?password=***&prefix=a"),
        (f"s3://bucket?region=x&aws_secret_access_key={MARKER}#f", "s3://bucket?region=x&aws_secret_access_key=***#f"),
        (f"a:{MARKER}@host:1", "***@host:1"),
        (f"file://a:{MARKER}@host/x", "file://***@host/x"),
        ("file:///srv/a@b/c", "file:///srv/a@b/c"),
        ("sqlite:///{data_dir}/a@b", "sqlite:///{data_dir}/a@b"),
        ("memory://", "memory://"),
        ("127.0.0.1:9101", "127.0.0.1:9101"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_login_however_badly_it_is_written(url: str, seen: str) -> None:
    assert shown(url) == seen


@pytest.mark.parametrize("url", [f"redis://a:{MARKER}@[::1", f"redis://a:{MARKER}\u2100@h"])
def test_a_url_that_cant_be_split_is_refused_without_it(url: str) -> None:
    with pytest.raises(BadConfiguration, match="no Redis URL") as refused:
        parts_of(url, "Redis")
    assert MARKER not in str(refused.value) and refused.value.__suppress_context__


@pytest.mark.parametrize(
    "table",
    [
        backends.METADATA,
        backends.CONTENT,
        backends.ROBOTS_CACHE,
        backends.JOBS,
        backends.jobs_of_shard("1"),
        backends.FRONTIER,
        backends.SINK,
        backends.LEASES,
        backends.LIMITER_STATE,
        backends.HOLDS,
    ],
)
async def test_what_opens_a_backend_refuses_a_url_without_its_login(
    tmp_path: Path, table: Mapping[str, backends.Open[object]]
) -> None:
    for scheme in {"redis", "s3", "kafka", "cassandra", "sqlite", "file", MARKER} & {*table, MARKER}:
        for rest in (
            f"://u:{MARKER}@h/x/y",
            f"://u:{MARKER}@[::1/x",
            f"://u:{MARKER}\u2100@h:1/x",
            f"://u:a/{MARKER}@h:1/x",
            f"://h:x/x?password={MARKER}",
            f":u:{MARKER}@h/x",
            f":{MARKER}",
        ):
            with pytest.raises(BadConfiguration, match=r"a\.setting") as refused:
                await backends.open_backend("a.setting", table, f"{scheme}{rest}", Settings(data_dir=str(tmp_path)))
            assert MARKER not in str(refused.value) and MARKER not in repr(refused.value)
