"""Addresses read and written."""

from __future__ import annotations

import pytest

from runtime.host_port import host_and_port, join, split
from thrift_idl.errors import BadConfiguration


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("localhost:80", ("localhost", 80)),
        ("10.0.0.1:65535", ("10.0.0.1", 65_535)),
        ("[::1]:9101", ("::1", 9_101)),
        ("localhost", None),
        ("localhost:", None),
        (":80", None),
        ("[]:80", None),
        ("localhost:0", None),
        ("localhost:65536", None),
        ("localhost:000080", None),
        ("localhost:-1", None),
        ("localhost:+1", None),
        ("localhost:http", None),
        ("localhost:８０", None),
        ("local host:80", None),
        ("localhost :80", None),
        (" :80", None),
        ("[::1]", None),
        ("", None),
    ],
)
def test_a_host_and_a_port_are_told_apart(text: str, found: tuple[str, int] | None) -> None:
    assert split(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("redis", ("redis", 6379)),
        ("[::1]", ("::1", 6379)),
        ("redis:1", ("redis", 1)),
        ("[::1]:1", ("::1", 1)),
        ("redis:x", None),
        ("", None),
    ],
)
def test_a_text_without_a_port_has_the_one_by_default(text: str, found: tuple[str, int] | None) -> None:
    assert split(text, default_port=6379) == found


def test_a_free_port_is_0_where_that_is_allowed() -> None:
    assert split("127.0.0.1:0", least_port=0) == host_and_port("127.0.0.1:0", least_port=0) == ("127.0.0.1", 0)


def test_an_ipv6_host_gets_its_brackets() -> None:
    assert join("::1", 80) == "[::1]:80"
    assert join("localhost", 80) == "localhost:80"


@pytest.mark.parametrize("bad", ["", "localhost", "a..b:80", f"{'x' * 64}:80", "user:password@host:80", "host:0"])
def test_what_no_service_can_have_is_bad_configuration(bad: str) -> None:
    with pytest.raises(BadConfiguration, match="want host:port"):
        host_and_port(bad)


def test_a_login_before_an_at_is_not_repeated() -> None:
    with pytest.raises(BadConfiguration) as raised:
        host_and_port("user:secret@host:80")
    assert "secret" not in f"{raised.value} {raised.value.details}"
