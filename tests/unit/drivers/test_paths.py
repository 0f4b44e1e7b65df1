"""A connection URL of a file or folder becomes one absolute path, or is refused with the right spelling."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.paths import earlier_path_of, escaped, path_of, url_of
from drivers.sqlite import file_of
from thrift_idl.errors import BadConfiguration

SCHEMES = ("file", "sqlite", "pool")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("slashes", ["//", "///", "////"])
def test_however_many_slashes_begin_it_an_absolute_path_is_absolute(scheme: str, slashes: str) -> None:
    assert path_of(f"{scheme}:/{slashes}srv/a.db", scheme) == Path("/srv/a.db")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///srv//a/./b/", "/srv/a/b"),
        ("file:///srv/my%20store", "/srv/my store"),
        ("file:///srv/my store", "/srv/my store"),
        ("file:///srv/100%25", "/srv/100%"),
        ("file:///srv/a%3Fb%23c%7Bd%7D", "/srv/a?b#c{d}"),
        ("file:///srv/%7Euser/Zo%C3%AB", "/srv/~user/Zoë"),
        ("file:///srv/..a/b..", "/srv/..a/b.."),
        ("file:///srv/a@b:c", "/srv/a@b:c"),
        ("file:///srv/%FF", os.fsdecode(b"/srv/\xff")),
    ],
)
def test_a_path_is_decoded_and_has_one_spelling(url: str, path: str) -> None:
    assert path_of(url, "file") == Path(path)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file://x", "relative"),
        ("file://x/y", "a host"),
        ("file://localhost/x", "a host"),
        ("file://user:marker@host/x", "a host"),
        ("file://./x", "relative"),
        ("file://", "names no file"),
        ("file:///", "names no file"),
        ("file:////.", "names no file"),
        ("file:x", "begin with"),
        ("file:/x", "begin with"),
        ("file:./x", "begin with"),
        ("/x", "begin with"),
        ("x", "begin with"),
        ("", "begin with"),
        ("sqlite:///x", "begin with"),
        ("FILE:///x", "begin with"),
        ("file:///C:/x", "Windows"),
        ("file:///c:\\x", "Windows"),
        ("file://C:\\x", "relative"),
        ("file://\\\\host\\x", "relative"),
        ("file:///a/../b", r"\.\."),
        ("file:///a/%2e%2E/b", r"\.\."),
        ("file:///a/..", r"\.\."),
        ("file:///a%2Fb", "%"),
        ("file:///a%zz", "%"),
        ("file:///a%", "%"),
        ("file:///a%00b", "octet"),
        ("file:///a\0b", "octet"),
        ("file:///a?x=y", "query"),
        ("file:///a#b", "fragment"),
        ("file://~/a", "~"),
        ("file:///~/a", "~"),
        ("file:///~user/a", "~"),
        ("file:///{datadir}/x", "data_dir"),
    ],
)
def test_what_names_no_absolute_path_is_refused_with_the_right_spelling(url: str, why: str) -> None:
    with pytest.raises(BadConfiguration, match=why) as refused:
        path_of(url, "file")
    assert "file:///full/path/to/it" in str(refused.value) and "file:///{data_dir}/name" in str(refused.value)
    assert "marker" not in str(refused.value)


@pytest.mark.parametrize("name", ["plain", "my store", "100%", "a?b#c", "{x}", "~", "Zoë", "%2F", os.fsdecode(b"\xff")])
def test_the_url_of_a_path_leads_back_to_it(name: str) -> None:
    path = Path("/srv") / name / "x.db"
    assert path_of(url_of(path, "sqlite"), "sqlite") == path
    assert path_of(f"sqlite:///{escaped(path.parent)}/x.db", "sqlite") == path


def test_earlier_versions_read_three_slashes_as_a_relative_path() -> None:
    assert earlier_path_of("file:///srv/x", "file") == Path("srv/x")
    assert earlier_path_of("file:////srv/my%20x", "file") == Path("/srv/my%20x")
    assert earlier_path_of("file://srv/x", "file") is None
    assert earlier_path_of("file:///", "file") is None


def test_a_database_may_be_in_memory() -> None:
    assert file_of("sqlite:///:memory:") == ":memory:"
    assert file_of("sqlite:///var/x.db") == file_of("sqlite:////var/x.db") == "/var/x.db"
